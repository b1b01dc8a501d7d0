# Bullpen: the peers in Rust. SPDX-License-Identifier: Apache-2.0
"""Programs of ours in bench/peers that use a crate, built with cargo in the user's cache folder."""
import glob
import os
import shutil

from builds import BENCH, EXTISM_VERSION, cache_folder, crate_source, key_of, peer, run

UNI_VERSION = '2.0.2'
QUEUE_VERSION = '0.3.14'
SMG_VERSION = '1.1.0'
SURREALISM_VERSION = '0.3.1'
WASMTIME_VERSION = '48.0.8'

POOL_LOOPS = ('loops.rs',)
CALL_LOOPS = ('calls.rs', 'tasks.rs')


def program_of(folder):
    return 'bench-' + folder.replace('_', '-')


def cargo_build(work, folder, environment=(), files=(), lock=(), loops=POOL_LOOPS, target=None):
    """Build bench/peers/FOLDER with the loops and other files beside its main.rs.

    Its own lock file says what is used; where it has none, LOCK is where to begin. What cargo has
    made is thrown away, if it need not be kept in TARGET for the next time."""
    source = os.path.join(work, 'source')
    # Every file as new as it is here: cargo tells by their times what has changed in TARGET.
    shutil.copytree(os.path.join(BENCH, 'peers', folder), source, copy_function=shutil.copyfile)
    for path in (*(os.path.join(BENCH, 'peers', file) for file in loops), *files):
        shutil.copy(path, os.path.join(source, 'src'))
    for path in lock:
        shutil.copy(path, os.path.join(source, 'Cargo.lock'))
    environment = dict(os.environ, **dict(environment))
    environment.pop('CARGO_TARGET_DIR', None)
    made = target or os.path.join(work, 'target')
    run([os.environ.get('CARGO', 'cargo'), 'build', '--release', *(() if lock else ('--locked',)),
         '--target-dir', made], cwd=source, env=environment)
    shutil.copy(os.path.join(made, 'release', program_of(folder)), work)
    if not target:
        shutil.rmtree(made)


def cargo_program(name, version, folder, build, loops=POOL_LOOPS):
    """A peer in Rust; its program is called after its folder."""
    inside = os.path.join(BENCH, 'peers', folder)
    files = [os.path.join(inside, file) for file in ('Cargo.toml', 'Cargo.lock')]
    files += sorted(glob.glob(os.path.join(glob.escape(inside), 'src', '*.rs')))
    key = key_of(*(os.path.join(BENCH, 'peers', file) for file in loops),
                 *filter(os.path.exists, files))
    return peer(name, f'{version}-{key}', program_of(folder), build)


def uni():
    def build(work):
        file = os.path.join(crate_source('uni-plugin-wasm-rt', UNI_VERSION), 'src', 'pool.rs')
        cargo_build(work, 'uni', {'UNI_VERSION': UNI_VERSION}, files=(file,))
    return cargo_program('uni', UNI_VERSION, 'uni', build)


def queue():
    return cargo_program('queue', QUEUE_VERSION, 'queue', lambda work: cargo_build(
        work, 'queue', {'QUEUE_VERSION': QUEUE_VERSION}))


def extism_pool():
    def build(work):
        lock = os.path.join(crate_source('extism', EXTISM_VERSION), 'Cargo.lock')
        cargo_build(work, 'extism_pool', {'EXTISM_VERSION': EXTISM_VERSION}, lock=(lock,))
    return cargo_program('extism-pool', EXTISM_VERSION, 'extism_pool', build)


def of_a_crate(name, crate, version):
    """A host of components: with everything it depends on as its makers' own lock file says.

    These bring the whole of Wasmtime, so what cargo has made stays in the cache: a change of our
    program must not take as long as the first time. That folder may be deleted at any time."""
    def build(work):
        lock = os.path.join(crate_source(crate, version), 'Cargo.lock')
        cargo_build(work, name, lock=(lock,), loops=CALL_LOOPS,
                    target=os.path.join(cache_folder(), 'peers-build', name, 'target'))
    return cargo_program(name, version, name, build, CALL_LOOPS)


def smg():
    return of_a_crate('smg', 'smg-wasm', SMG_VERSION)


def surrealism():
    return of_a_crate('surrealism', 'surrealism-runtime', SURREALISM_VERSION)


def wasmtime():
    return of_a_crate('wasmtime', 'wasmtime-cli', WASMTIME_VERSION)
