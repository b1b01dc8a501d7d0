# Bullpen: one case on one host, to a verdict. SPDX-License-Identifier: Apache-2.0
import os
import time

from child import HELD, Verdict
from stage import Stage, neighbour_served


def clean(note, folder):
    """Results are published: no names of this machine's folders."""
    for path, name in ((folder + os.sep, ''), (os.path.expanduser('~'), '~')):
        note = note.replace(path, name)
    return note


def judge(case, command, folder):
    """{verdict, note, seconds, mib, version}. Whatever the host does, its process is gone then."""
    stage = Stage(command, folder)
    begin = time.monotonic()
    verdict, note = HELD, ''
    try:
        note = case.run(stage) or ''
        # Whatever happened, others are served as before.
        if stage.hosts:
            neighbour_served(stage.hosts[-1])
    except Verdict as ended:
        verdict, note = ended.verdict, ended.note
    finally:
        stage.close()
    return {'verdict': verdict, 'note': clean(note, folder), 'version': stage.version,
            'seconds': round(time.monotonic() - begin, 1), 'mib': stage.peak() >> 20}
