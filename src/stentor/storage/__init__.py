"""What is kept between one run of the server and the next."""
