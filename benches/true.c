/* The smallest program: what a sandbox costs by itself. */
int main(void) { return 0; }
