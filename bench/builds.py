# Bullpen: how bench/compare and bench/torture get peers. SPDX-License-Identifier: Apache-2.0
"""Peers come from the registries and are built once in the user's cache folder. One that cannot be
had is Unavailable, with the reason that a report gives: it is left out by name."""
import contextlib
import glob
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile

BENCH = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(BENCH)

EXTISM_VERSION = '1.41.0'

# What takes minutes to build, and why: only who asks waits for it. Once built, it is used.
SLOW = {
    'extism-pool': 'it brings the whole of Wasmtime, which takes minutes to build',
    'smg': 'it brings the whole of Wasmtime, which takes minutes to build',
    'surrealism': 'it brings the whole of Wasmtime, which takes minutes to build',
    'wasmtime': 'it takes many minutes to build',
    'component-guests': 'what encodes them takes minutes to build',
    'javascript-guests': 'a JavaScript engine takes a minute to become a component',
    'python-guests': 'its tool is large, and takes a minute',
}
asked = set()


def say(text):
    print(f'{os.path.basename(sys.argv[0])}: {text}', file=sys.stderr, flush=True)


def machine():
    cpu = platform.machine()
    with contextlib.suppress(OSError), open('/proc/cpuinfo', encoding='utf-8') as file:
        cpu = next((line.partition(':')[2].strip() for line in file
                    if line.startswith('model name')), cpu)
    return {'cpu': cpu, 'cores': len(os.sched_getaffinity(0)),
            'kernel': platform.release().split('-')[0], 'load': round(os.getloadavg()[0], 1)}


class Unavailable(Exception):
    """A program cannot be had here; the text is the reason that the report gives."""

    def __init__(self, reason):
        # Reports are published: a reason says what failed, not where somebody's files are.
        for folder, name in ((ROOT, '.'), (cache_folder(), 'cache'),
                             (os.path.expanduser('~'), '~')):
            reason = reason.replace(folder, name)
        super().__init__(reason if len(reason) <= 200 else reason[:200] + '…')


def cache_folder():
    base = os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')
    return os.path.join(base, 'bullpen')


def run(arguments, **options):
    """Run a tool; its last words are the reason if it fails."""
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, check=False, **options)
    except FileNotFoundError:
        raise Unavailable(f'{os.path.basename(arguments[0])} is not installed') from None
    if done.returncode != 0:
        words = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        errors = [index for index, line in enumerate(words) if line.lower().startswith('error')]
        last = words[errors[-1] if errors else -1:] or ['no message']
        raise Unavailable(f'{" ".join([os.path.basename(arguments[0]), *arguments[1:3]])} failed: '
                          f'{" ".join(last[:2]) if last[0].endswith(":") else last[0]}')
    return done.stdout


def crate_source(name, version):
    """The folder with a crate's files, fetched and verified by cargo.

    `cargo info` brings a single crate, where `cargo fetch` would bring all that it depends on: for
    these crates hundreds, of which nothing is needed here."""
    home = os.environ.get('CARGO_HOME') or os.path.expanduser('~/.cargo')
    pattern = os.path.join(glob.escape(home), 'registry', 'src', '*', f'{name}-{version}')
    if not glob.glob(pattern):
        with tempfile.TemporaryDirectory() as empty:  # so that no workspace's lock file is read
            run([os.environ.get('CARGO', 'cargo'), 'info', '--quiet', f'{name}@{version}'],
                cwd=empty)
    found = glob.glob(pattern)
    if not found:
        raise Unavailable(f'cargo did not unpack crate {name} {version}')
    return found[0]


def key_of(*paths):
    """Changes when one of our files for a peer does."""
    digest = hashlib.sha256()
    for path in paths:
        with open(path, 'rb') as file:
            digest.update(file.read())
    return digest.hexdigest()[:12]


@contextlib.contextmanager
def new_folder(final):
    """A folder that gets its name only when it is complete."""
    os.makedirs(os.path.dirname(final), exist_ok=True)
    work = tempfile.mkdtemp(prefix='.new.', dir=os.path.dirname(final))
    try:
        yield work
        os.chmod(work, 0o755)
        with contextlib.suppress(OSError):  # another run was faster
            os.rename(work, final)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def peer(name, key, program, build):
    """The path of a peer's program, built on first use."""
    final = os.path.join(cache_folder(), 'peers', f'{name}-{key}')
    path = os.path.join(final, program)
    if not os.path.exists(path):
        if name in SLOW and name not in asked:
            raise Unavailable(f'{SLOW[name]}: ask for it with --with {name}')
        say(f'building {name}')
        with new_folder(final) as work:
            build(work)
        # Those of other versions, except for one to switch back to.
        others = glob.glob(os.path.join(glob.escape(os.path.dirname(final)), f'{name}-*'))
        for old in sorted(others, key=os.path.getmtime)[:-2]:
            shutil.rmtree(old, ignore_errors=True)
    return path


def fetch_extism(work):
    # The wheel carries the shared library as its makers built it, the crate carries the header.
    run([sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:',
         '--dest', work, f'extism-sys=={EXTISM_VERSION}'])
    wheel, = glob.glob(os.path.join(glob.escape(work), '*.whl'))
    with zipfile.ZipFile(wheel) as archive:
        library, = [n for n in archive.namelist() if n.endswith('/libextism_sys.so')]
        with archive.open(library) as source, \
                open(os.path.join(work, 'libextism.so'), 'wb') as target:
            shutil.copyfileobj(source, target)
    os.remove(wheel)
    shutil.copy(os.path.join(crate_source('extism', EXTISM_VERSION), 'extism.h'), work)


def extism_host(name, folder, sources, headers, program):
    """A program of ours for libextism, which lies beside it. Files are named from FOLDER."""
    def build(work):
        fetch_extism(work)
        run([os.environ.get('CC', 'cc'), '-std=gnu11', '-O2', f'-I{work}', f'-I{folder}',
             *(os.path.join(folder, source) for source in sources),
             f'-L{work}', '-lextism', '-Wl,-rpath,$ORIGIN', '-pthread',
             '-o', os.path.join(work, program)])
    key = key_of(*(os.path.join(folder, file) for file in (*sources, *headers)))
    return peer(name, f'{EXTISM_VERSION}-{key}', program, build)


def go_client():
    return os.environ.get('GO', 'go')


def go_host(name, folder, files, program):
    """A program of ours in Go, built in its own FOLDER."""
    version = run([go_client(), 'env', 'GOVERSION'], cwd=folder).strip()
    key = key_of(*(os.path.join(folder, file) for file in files))
    return peer(name, f'{version}-{key}', program,
                lambda work: run([go_client(), 'build', '-mod=readonly', '-o',
                                  os.path.join(work, program), '.'], cwd=folder))
