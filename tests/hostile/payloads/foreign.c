/* System calls by the i386 gate: other numbers, other argument layouts, the same kernel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>

#if !defined(__x86_64__)
int main(void) { puts("BEGIN"); puts("UNAVAILABLE the i386 gate is of x86_64"); puts("END"); return 0; }
#else
static long gate(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
    return (int)result;
}

int main(void)
{
    const char *name = getenv("HOSTILE_CASE");
    printf("BEGIN %s\n", name ? name : "");
    fflush(stdout);
    if (name && strcmp(name, "N14") == 0) {
        unsigned *words = mmap((void *)0x10000000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        words[0] = 2;
        words[1] = 1;
        words[2] = 0;
        long made = gate(102, 1, 0x10000000, 0);
        printf(made >= 0 ? "REACHED socketcall %ld\n" : "REFUSED %ld\n", made);
    } else {
        long pid = gate(20, 0, 0, 0);
        printf(pid == getpid() ? "REACHED getpid %ld\n" : "REFUSED %ld\n", pid);
    }
    printf("END\n");
    return 0;
}
#endif
