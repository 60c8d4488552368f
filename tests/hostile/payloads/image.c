/* The program's own file, reopened for writing once nothing runs from it any more (as CVE-2019-5736 did to runc), and
   the privileges that a set-user-ID bit promises. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **words)
{
    const char *name = getenv("HOSTILE_CASE");
    if (count == 2 && strcmp(words[1], "print") == 0)
        return 0;
    printf("BEGIN %s\n", name ? name : "");
    fflush(stdout);
    if (name && strcmp(name, "F24") == 0) {
        printf("IDS %d %d\n", getuid(), geteuid());
        if (getuid() != geteuid())
            printf("REACHED another user's privileges\n");
    } else {
        int own = open("/proc/self/exe", O_RDONLY);
        char line[160];
        snprintf(line, sizeof line, "echo hostile >> /proc/self/fd/%d && echo REACHED its own program; exit 0", own);
        pid_t child = fork();
        if (child == 0) {
            execl("/bin/sh", "sh", "-c", line, (char *)0);
            _exit(1);
        }
        waitpid(child, NULL, 0);
        /* While this program still runs its file is busy; a shell in its place leaves it free. */
        snprintf(line, sizeof line, "echo hostile >> /proc/self/fd/%d && echo REACHED its own program; echo END", own);
        execl("/bin/sh", "sh", "-c", line, (char *)0);
    }
    printf("END\n");
    return 0;
}
