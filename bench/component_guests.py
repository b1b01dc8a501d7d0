# Bullpen: the components that bench/compare runs. SPDX-License-Identifier: Apache-2.0
"""Built once in the user's cache folder, like the peers: the small ones from text, the others with
the tools that people use for JavaScript and Python."""
import os
import shutil
import sys

import rust_peers
from builds import BENCH, cache_folder, crate_source, key_of, peer, run

JCO_VERSION = '1.35.0'
COMPONENTIZE_JS_VERSION = '0.23.0'
COMPONENTIZE_PY_VERSION = '0.25.1'
# The WIT that StarlingMonkey was made for, where the crate has a later one. What is used of it is
# the same in both.
WASI_VERSION, WASI_VERSION_OF_CRATE = '0.2.10', '0.2.12'
SOURCES = os.path.join(BENCH, 'components')


def source(name):
    return os.path.join(SOURCES, name)


def small():
    """The same guest for each host's world, in two sizes."""
    folder = os.path.join(BENCH, 'peers', 'guests')
    files = [os.path.join(folder, file) for file in ('Cargo.toml', 'Cargo.lock', 'src/main.rs')]

    def build(work):
        rust_peers.cargo_build(work, 'guests', loops=(), target=os.path.join(
            cache_folder(), 'peers-build', 'guests', 'target'))
        crate = crate_source('smg-wasm', rust_peers.SMG_VERSION)
        wit = os.path.join(crate, 'src', 'interface', 'spec.wit')
        run([os.path.join(work, rust_peers.program_of('guests')), work, wit])
    return peer('component-guests', key_of(*files), 'plugin-small.wasm', build)


def server_wit(work):
    """A folder with the world of a server and all that it names."""
    folder = os.path.join(work, 'wit')
    crate = crate_source('wasmtime-wasi-http', rust_peers.WASMTIME_VERSION)
    shutil.copytree(os.path.join(crate, 'wit', 'deps'), os.path.join(folder, 'deps'))
    shutil.copy(source('server.wit'), folder)
    for name in os.listdir(os.path.join(folder, 'deps')):
        path = os.path.join(folder, 'deps', name)
        with open(path, encoding='utf-8') as file:
            text = file.read()
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text.replace(WASI_VERSION_OF_CRATE, WASI_VERSION))
    return folder


def javascript():
    files = ('plugin.js', 'plugin.wit', 'serve.js', 'server.wit', 'starlingmonkey.mjs')

    def build(work):
        run(['npm', 'install', '--no-save', '--no-audit', '--no-fund', '--prefix', work,
             f'@bytecodealliance/jco@{JCO_VERSION}',
             f'@bytecodealliance/componentize-js@{COMPONENTIZE_JS_VERSION}'], cwd=work)
        jco = os.path.join(work, 'node_modules', '.bin', 'jco')
        run([jco, 'componentize', source('plugin.js'), '--backend', 'quickjs',
             '--backend-qjs-disable-async', '--backend-qjs-stub-wasi', '-w', source('plugin.wit'),
             '-n', 'plugin', '-o', os.path.join(work, 'quickjs.wasm')], cwd=work)
        # A module finds its packages beside itself.
        script = shutil.copy(source('starlingmonkey.mjs'), work)
        run(['node', script, source('plugin.js'), source('plugin.wit'), 'plugin',
             os.path.join(work, 'starlingmonkey.wasm')], cwd=work)
        run(['node', script, source('serve.js'), server_wit(work), 'server',
             os.path.join(work, 'starlingmonkey-server.wasm')], cwd=work)
        shutil.rmtree(os.path.join(work, 'node_modules'))
    key = key_of(*map(source, files))
    return peer('javascript-guests', f'{JCO_VERSION}-{COMPONENTIZE_JS_VERSION}-{key}',
                'starlingmonkey.wasm', build)


def python():
    files = ('plugin.py', 'plugin.wit', 'serve.py', 'server.wit')

    def build(work):
        tools = os.path.join(work, 'tools')
        run([sys.executable, '-m', 'venv', tools])
        run([os.path.join(tools, 'bin', 'pip'), 'install', '--quiet',
             f'componentize-py=={COMPONENTIZE_PY_VERSION}'])
        program = os.path.join(tools, 'bin', 'componentize-py')
        for name in ('plugin.py', 'serve.py'):
            shutil.copy(source(name), work)
        run([program, '-q', '-d', source('plugin.wit'), '-w', 'plugin', 'componentize',
             '--stub-wasi', 'plugin', '-o', 'python.wasm'], cwd=work)
        run([program, '-q', '-d', server_wit(work), '-w', 'server', 'componentize', 'serve', '-o',
             'python-server.wasm'], cwd=work)
        shutil.rmtree(tools)
    key = key_of(*map(source, files))
    return peer('python-guests', f'{COMPONENTIZE_PY_VERSION}-{key}', 'python.wasm', build)


def code(name, guests, wasmtime, servers):
    """What Wasmtime makes of guests, so that no round has to wait for its compiler."""
    folder = os.path.dirname(guests)
    plugins = sorted(file for file in os.listdir(folder)
                     if file.endswith('.wasm') and file not in servers)

    def build(work):
        for file in plugins:
            run([wasmtime, 'precompile', os.path.join(folder, file),
                 os.path.join(work, file.replace('.wasm', '.cwasm'))])
        for file in servers:
            run([wasmtime, 'compile', os.path.join(folder, file), '-o',
                 os.path.join(work, file.replace('.wasm', '.cwasm'))])
    key = '-'.join(os.path.basename(os.path.dirname(path)).rpartition('-')[2]
                   for path in (guests, wasmtime))
    return peer(name, key, plugins[-1].replace('.wasm', '.cwasm'), build)
