/* Stands in for NVIDIA's driver where there is none: the part of NVML (libnvidia-ml.so.1) and of
 * CUDA's driver API (libcuda.so.1) that tests use, both in one library. Names, numbers of errors and
 * structures are those of NVIDIA's public headers.
 *
 * STAND_IN_GPUS_MIB gives the size of each GPU, as "8000,4000". What a process takes of one is the
 * number in a file of the folder STAND_IN_GPU, named GPU.PID: as with the true driver it is gone when
 * the process is, however that ended.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define MIB (1024ULL * 1024)
#define CONTEXT (100 * MIB) /* what a process takes before it has allocated anything */
#define NVML_INVALID 2
#define NVML_NOT_FOUND 6
#define NVML_INSUFFICIENT_SIZE 7
#define CUDA_INVALID 1
#define CUDA_OUT_OF_MEMORY 2
#define CUDA_NO_CONTEXT 201
#define GPUS_MOST 8
#define PROCESSES_MOST 64

typedef unsigned long long u64;
typedef struct { unsigned pid; u64 used; unsigned instance, compute_instance; } Process;
typedef struct { u64 total, free, used; } Memory;

static int current = -1;

static int sizes(u64 *bytes) {
    const char *given = getenv("STAND_IN_GPUS_MIB");
    int count = 0;
    while (given && *given && count < GPUS_MOST) {
        char *end;
        bytes[count++] = strtoull(given, &end, 10) * MIB;
        given = *end ? end + 1 : end;
    }
    return count;
}

static u64 total(int gpu) {
    u64 bytes[GPUS_MOST] = {0};
    return gpu >= 0 && gpu < sizes(bytes) ? bytes[gpu] : 0;
}

static const char *folder(void) { return getenv("STAND_IN_GPU"); }

static void path_of(char *path, int gpu, int pid) {
    snprintf(path, 4096, "%s/%d.%d", folder(), gpu, pid);
}

static u64 read_taken(int gpu, int pid) {
    char path[4096];
    u64 bytes = 0;
    path_of(path, gpu, pid);
    FILE *file = fopen(path, "r");
    if (file) {
        if (fscanf(file, "%llu", &bytes) != 1) bytes = 0;
        fclose(file);
    }
    return bytes;
}

static void write_taken(int gpu, u64 bytes) {
    char path[4096];
    path_of(path, gpu, getpid());
    FILE *file = fopen(path, "w");
    if (file) {
        fprintf(file, "%llu", bytes);
        fclose(file);
    }
}

static int processes(int gpu, Process *found) {
    DIR *open = opendir(folder() ? folder() : "");
    int count = 0, at, pid;
    struct dirent *entry;
    while (open && (entry = readdir(open)) && count < PROCESSES_MOST) {
        if (sscanf(entry->d_name, "%d.%d", &at, &pid) != 2 || at != gpu) continue;
        if (kill(pid, 0) != 0 && errno == ESRCH) continue;
        Process one = {(unsigned)pid, read_taken(gpu, pid), 0xFFFFFFFF, 0xFFFFFFFF};
        found[count++] = one;
    }
    if (open) closedir(open);
    return count;
}

static u64 used(int gpu) {
    Process found[PROCESSES_MOST];
    u64 bytes = 0;
    for (int i = processes(gpu, found) - 1; i >= 0; i--) bytes += found[i].used;
    return bytes;
}

/* Takes more, or less; fails where there is not so much. */
static int take(int gpu, long long more) {
    char path[4096];
    snprintf(path, sizeof path, "%s/lock", folder());
    int lock = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600), failed;
    flock(lock, LOCK_EX);
    failed = more > 0 && used(gpu) + (u64)more > total(gpu);
    if (!failed) write_taken(gpu, read_taken(gpu, getpid()) + more);
    close(lock);
    return failed ? CUDA_OUT_OF_MEMORY : 0;
}

/* NVML: a handle is the GPU's number, and one. */
#define GPU(handle) ((int)(long)(handle) - 1)

static int handle_of(int gpu, void **handle) {
    *handle = (void *)(long)(gpu + 1);
    return total(gpu) ? 0 : NVML_INVALID;
}

int nvmlInitWithFlags(unsigned flags) { (void)flags; return 0; }
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int code) { return code == NVML_NOT_FOUND ? "Not Found" : "Stand-in"; }

int nvmlDeviceGetCount_v2(unsigned *count) {
    u64 bytes[GPUS_MOST];
    *count = (unsigned)sizes(bytes);
    return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    return handle_of((int)index, handle);
}

int nvmlDeviceGetName(void *handle, char *name, unsigned length) {
    snprintf(name, length, "Stand-in %d", GPU(handle));
    return 0;
}

int nvmlDeviceGetUUID(void *handle, char *uuid, unsigned length) {
    snprintf(uuid, length, "GPU-%08x-0000-0000-0000-000000000000", GPU(handle) + 0xa0);
    return 0;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, void **handle) {
    char known[64];
    for (int gpu = 0; total(gpu); gpu++) {
        nvmlDeviceGetUUID((void *)(long)(gpu + 1), known, sizeof known);
        if (!strcmp(known, uuid)) return handle_of(gpu, handle);
    }
    return NVML_NOT_FOUND;
}

int nvmlDeviceGetMemoryInfo(void *handle, Memory *memory) {
    memory->total = total(GPU(handle));
    memory->used = used(GPU(handle));
    memory->free = memory->total - memory->used;
    return 0;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, Process *infos) {
    Process found[PROCESSES_MOST];
    unsigned room = *count;
    *count = (unsigned)processes(GPU(handle), found);
    if (*count > room) return NVML_INSUFFICIENT_SIZE;
    if (*count) memcpy(infos, found, *count * sizeof *infos);
    return 0;
}

/* CUDA: devices are those of NVML in the same order; memory is a number, and nothing is behind it. */
int cuInit(unsigned flags) { (void)flags; return 0; }

int cuDeviceGet(int *device, int ordinal) {
    *device = ordinal;
    return total(ordinal) ? 0 : CUDA_INVALID;
}

int cuDevicePrimaryCtxRetain(void **context, int device) {
    *context = (void *)(long)(device + 1);
    return read_taken(device, getpid()) ? 0 : take(device, CONTEXT);
}

int cuCtxSetCurrent(void *context) {
    current = (int)(long)context - 1;
    return 0;
}

int cuMemGetInfo_v2(size_t *free, size_t *all) {
    if (current < 0) return CUDA_NO_CONTEXT;
    *all = total(current);
    *free = *all - used(current);
    return 0;
}

/* The address is the size: what is freed must be known. */
int cuMemAlloc_v2(u64 *address, size_t bytes) {
    if (current < 0) return CUDA_NO_CONTEXT;
    *address = bytes;
    return take(current, (long long)bytes);
}

int cuMemFree_v2(u64 address) {
    return current < 0 ? CUDA_NO_CONTEXT : take(current, -(long long)address);
}
