"""The account that the programs of a shop run under: started by root, they do not stay root.

The supervisor stays root, for it starts and stops them; so does the import, which reads the data file.
"""

import os
import pwd
import shutil
import subprocess

from terminal import Failure, say

NAME = "millrace"


class Account:
    """An account by its numbers; `popen` is what subprocess needs to start a program under it."""

    def __init__(self, entry):
        self.name = entry.pw_name
        self.uid = entry.pw_uid
        self.gid = entry.pw_gid

    @property
    def popen(self):
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def may(self, flag, path):
        """Whether it may read (-r) a file, or execute a program or enter a folder (-x), every folder on the way
        included."""
        return subprocess.run(["/usr/bin/test", flag, str(path)], check=False, cwd="/", **self.popen).returncode == 0

    def take(self, folder):
        """Makes it the owner of a folder and all below. Links are not followed."""
        os.lchown(folder, self.uid, self.gid)
        for where, folders, files in os.walk(folder):
            for name in folders + files:
                path = os.path.join(where, name)
                if os.lstat(path).st_uid != self.uid:
                    os.lchown(path, self.uid, self.gid)


def _entry(name):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _create():
    """The system account, or None where it cannot be created."""
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin")
    if useradd:
        subprocess.run(
            [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
             "--shell", "/usr/sbin/nologin", NAME],
            check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return _entry(NAME)


def choose(needed):
    """The account to run under, or None for our own. `needed` are paths that its programs must reach."""
    wanted = os.environ.get("MILLRACE_USER")
    if os.geteuid() != 0:
        if wanted and wanted != pwd.getpwuid(os.geteuid()).pw_name:
            raise Failure(f"only root can start programs as MILLRACE_USER={wanted}")
        return None
    entry = _entry(wanted) if wanted else _entry(NAME) or _create()
    if wanted and not entry:
        raise Failure(f"MILLRACE_USER={wanted}: there is no such user on this machine")
    if not entry or entry.pw_uid == 0:
        if not wanted:
            say(f"the programs run as root: the user {NAME} could not be created")
        return None
    account = Account(entry)
    for path in needed:
        if not account.may("-x", path):
            if wanted:
                raise Failure(f"the user {account.name} cannot reach {path}")
            say(f"the programs run as root: the user {account.name} cannot reach {path}. "
                "They run without root once that user may enter the folders of the checkout and of MILLRACE_HOME")
            return None
    return account
