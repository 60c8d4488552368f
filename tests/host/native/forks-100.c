/* Wants a hundred children at once; fails when it was refused one, and stays when it got all. */
#include <stdio.h>
#include <unistd.h>

int main(void) {
    int made;
    for (made = 0; made < 100; made++) {
        pid_t child = fork();
        if (child < 0) break;
        if (child == 0)
            for (;;) pause();
    }
    printf("%d\n", made);
    fflush(stdout);
    while (made == 100) pause();
    return 1;
}
