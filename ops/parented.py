"""Become another program that does not outlive its parent: parented.py SIGNAL UID:GID|- PARENT COMMAND...

Run with `python -I -S` so that it starts in milliseconds; it imports nothing of ours. A preexec_fn would
do the same less safely: it runs between fork and exec of a process that has threads.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(death_signal: str, account: str, parent: str, *command: str) -> None:
    libc = ctypes.CDLL(None)  # now: the account may not be able to read this Python's folders
    if account != "-":
        uid, gid = map(int, account.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":  # elsewhere the next start clears up (ops.leftovers)
        libc.prctl(PR_SET_PDEATHSIG, int(death_signal))  # forgotten by setuid, so after it
    if os.getppid() != int(parent):
        sys.exit(1)  # the parent died in between
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(*sys.argv[1:])
