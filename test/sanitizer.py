"""Reports of sanitizers: where a sanitizer build of the runtime writes them, and how people read them.

Such a build (--config=asan, ubsan, tsan) appends the reports of all its processes to the file that the environment
variable RUNSC_SANITIZER_REPORTS names. A suite that uses this module fails when there is one.
"""
import os
import re
import subprocess
import tempfile
import threading

VARIABLE = 'RUNSC_SANITIZER_REPORTS'
# Where processes report whose caller gave them an environment of its own, as Podman's conmon does.
DEFAULT = '/tmp/runsc-sanitizer-reports'
FRAME = re.compile(r'\(([^()\s]+)\+(0x[0-9a-f]+)\)')
# A race as the thread sanitizer reports it.
RACE = re.compile(r'={18}\nWARNING: ThreadSanitizer: .*?\n={18}\n', re.DOTALL)
RACES = re.compile(r'ThreadSanitizer: reported \d+ warnings\n')
# A storm of reports is cut.
LIMIT = 200_000


def of(runtime):
    """The sanitizers that a program is built with: those of 'asan', 'tsan' and 'ubsan' whose run-time library it needs."""
    needed = subprocess.run(['readelf', '-d', runtime], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return [name for name in ('asan', 'tsan', 'ubsan') if 'lib%s.so' % name in needed]


class Reports:
    """The reports of the runtime from now on. Several may look at one file, each from where it began."""

    def __init__(self, runtime):
        self.runtime, self.lock = runtime, threading.Lock()
        self.path = os.environ.get(VARIABLE)
        self.temporary = not self.path
        if self.temporary:
            handle, self.path = tempfile.mkstemp(prefix='runsc-sanitizer.')
            os.close(handle)
            os.chmod(self.path, 0o666)  # users without privileges report too
            os.environ[VARIABLE] = self.path
        paths = {self.path} | ({DEFAULT} if of(runtime) else set())
        self.made = [path for path in paths if path != self.path and not os.path.exists(path)]
        self.seen = {path: self.size(path) for path in paths}

    @staticmethod
    def size(path):
        return os.path.getsize(path) if os.path.exists(path) else 0

    def take(self):
        """What has been reported since the last call, with names and lines of functions; '' when nothing was."""
        with self.lock:
            text = ''.join(self.news(path) for path in sorted(self.seen))
        return self.without_mistakes(self.symbolise(text))

    @staticmethod
    def without_mistakes(text):
        """Debian's libkj is built without the thread sanitizer, which does not see the lock under which a value goes from
        one thread's event loop to another's."""
        text = RACE.sub(lambda match: '' if re.search(r'kj::\w*CrossThread', match.group()) else match.group(), text)
        return text if RACES.sub('', text) else ''

    def news(self, path):
        if self.size(path) <= self.seen[path]:
            return ''
        with open(path, errors='replace') as f:
            f.seek(self.seen[path])
            text = f.read(LIMIT)
        self.seen[path] = self.size(path)
        return text

    def symbolise(self, text):
        """The contained processes cannot open the program that they are, and name it as they saw it last."""
        name = os.path.basename(self.runtime)
        offsets = sorted({offset for path, offset in FRAME.findall(text) if os.path.basename(path) == name})
        if not offsets:
            return text
        lines = subprocess.run(['addr2line', '-Cfpe', self.runtime] + offsets, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True).stdout.splitlines()
        places = dict(zip(offsets, lines))
        return FRAME.sub(lambda match: places.get(match.group(2), match.group(0))
                         if os.path.basename(match.group(1)) == name else match.group(0), text)

    def close(self):
        if self.temporary:
            os.environ.pop(VARIABLE, None)
            os.unlink(self.path)
        for path in self.made:
            if os.path.exists(path):
                os.unlink(path)
