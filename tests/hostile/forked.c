/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A library to be loaded before tshark -r CAPTURE (LD_PRELOAD), which then starts once and reads many captures: where
 * it opens its file, it forks for each line of standard input, "CAPTURE OUTPUT ERRORS" (paths without blanks). The
 * child goes on with that capture as tshark does, with its output in these files; its wait status is a line on standard
 * output.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wiretap/wtap.h>

enum {
    MOST_SECONDS = 120, /* of a child: SIGALRM ends one that hangs */
    MOST_PATH = 1000,
    FAILED = 127, /* exit status of what cannot go on, as a shell's */
};

typedef wtap *open_offline(const char *, unsigned int, int *, gchar **, gboolean);

static void redirect(const char *path, int flags, int to)
{
    int from = open(path, flags, 0644);
    if (from < 0 || dup2(from, to) < 0)
        _exit(FAILED);
    close(from);
}

/* Returns in a child only. */
static const char *next_capture(void)
{
    static char capture[MOST_PATH];
    char output[MOST_PATH], errors[MOST_PATH], line[3 * MOST_PATH];

    while (fgets(line, sizeof line, stdin)) {
        int status;
        if (sscanf(line, "%999s %999s %999s", capture, output, errors) != 3)
            _exit(FAILED);
        pid_t child = fork();
        if (child < 0)
            _exit(FAILED);
        if (child == 0) {
            redirect("/dev/null", O_RDONLY, STDIN_FILENO);
            redirect(output, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
            redirect(errors, O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
            alarm(MOST_SECONDS);
            return capture;
        }
        if (waitpid(child, &status, 0) != child)
            _exit(FAILED);
        printf("%d\n", status);
        fflush(stdout);
    }
    _exit(0);
}

wtap *wtap_open_offline(const char *filename, unsigned int type, int *err, gchar **err_info, gboolean do_random)
{
    open_offline *opened = (open_offline *)dlsym(RTLD_NEXT, "wtap_open_offline");
    (void)filename;
    return opened(next_capture(), type, err, err_info, do_random);
}
