"""What bp_pool_metrics_write() and bp_metrics_write() print, read by Prometheus' own parser."""
import ctypes
import pathlib
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

STATUS_OK, STATUS_HOST = 0, 1000
NASTY_NAME = 'a "quoted\\name" with\nlines, braces {} and ü'


class Bytes(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t)]


CREATE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint64, ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p)
WRITE = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, Bytes)


class Ops(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("create", CREATE)]


class Options(ctypes.Structure):
    # The beginning of bp_pool_options: an older caller knows no more than this.
    _fields_ = [("size", ctypes.c_uint32), ("name", ctypes.c_char_p), ("max_live", ctypes.c_uint32), ("min_warm", ctypes.c_uint32)]


class Lease(ctypes.Structure):
    _fields_ = [("words", ctypes.c_uint64 * 4)]


class Host:
    """Pools made through the shared library, as any language would."""

    def __init__(self, library):
        self.library = library
        self.failing = False
        self.create = CREATE(self._create)
        self.ops = Ops(ctypes.sizeof(Ops), self.create)

    def _create(self, factory, by, item, error):
        return STATUS_HOST if self.failing else STATUS_OK

    def new_pool(self, name, max_live):
        pool = ctypes.c_void_p()
        options = Options(ctypes.sizeof(Options), name.encode(), max_live, 1)
        assert self.library.bp_pool_new(ctypes.byref(self.ops), None, ctypes.byref(options), ctypes.byref(pool), None) == STATUS_OK
        return pool

    def exposition(self, *pools):
        text = bytearray()

        def write(data, piece):
            text.extend(ctypes.string_at(piece.data, piece.size))
            return True

        array = (ctypes.c_void_p * len(pools))(*[p.value for p in pools])
        assert self.library.bp_pool_metrics_write(array, len(pools), WRITE(write), None) == STATUS_OK
        return text.decode()


@pytest.fixture
def host(bullpen_bin):
    library = ctypes.CDLL(str(pathlib.Path(bullpen_bin).resolve().parent / "libbullpen.so"))
    library.bp_pool_take.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_void_p]
    library.bp_pool_unref.argtypes = [ctypes.c_void_p]
    library.bp_pool_metrics_write.argtypes = [ctypes.c_void_p, ctypes.c_size_t, WRITE, ctypes.c_void_p]
    return Host(library)


def families_of(text):
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert text.count("# TYPE ") == len(families), "a family is written twice"
    assert all(family.documentation for family in families.values()), "a family has no HELP"
    return families


def value(families, name, **labels):
    found = [s.value for f in families.values() for s in f.samples
             if s.name == name and all(s.labels.get(k) == v for k, v in labels.items())]
    assert len(found) == 1, (name, labels, found)
    return found[0]


def test_every_sample_is_read_back_with_its_name(host):
    pools = [host.new_pool(NASTY_NAME, 2), host.new_pool("plain", 3)]
    families = families_of(host.exposition(*pools))
    names = {s.labels["pool"] for f in families.values() for s in f.samples}
    assert names == {NASTY_NAME, "plain"}
    for wanted in ("take", "take_wait_seconds", "create_seconds", "reset_seconds", "recycle", "live", "idle", "in_use",
                   "waiters", "high_water"):
        assert f"bullpen_pool_{wanted}" in families, wanted
    for pool in pools:
        host.library.bp_pool_unref(pool)


def test_takes_move_the_counters(host):
    pool = host.new_pool("moved", 1)
    lease, second = Lease(), Lease()
    assert host.library.bp_pool_take(pool, 0, ctypes.byref(lease), None) == STATUS_OK
    assert host.library.bp_pool_take(pool, 0, ctypes.byref(second), None) != STATUS_OK
    families = families_of(host.exposition(pool))
    assert value(families, "bullpen_pool_take_total", pool="moved", result="hit") == 1
    assert value(families, "bullpen_pool_take_total", pool="moved", result="busy") == 1
    assert value(families, "bullpen_pool_in_use", pool="moved") == 1
    assert value(families, "bullpen_pool_live", pool="moved") == 1
    host.library.bp_pool_give(ctypes.byref(lease))
    families = families_of(host.exposition(pool))
    assert value(families, "bullpen_pool_in_use", pool="moved") == 0
    host.library.bp_pool_unref(pool)


def test_histograms_are_cumulative_and_end_at_infinity(host):
    pool = host.new_pool("waits", 1)
    families = families_of(host.exposition(pool))
    histograms = [f for f in families.values() if f.type == "histogram"]
    assert histograms
    for family in histograms:
        buckets = [(float(s.labels["le"]), s.value) for s in family.samples if s.name.endswith("_bucket")]
        assert buckets == sorted(buckets) and buckets[-1][0] == float("inf")
        assert [n for _, n in buckets] == sorted(n for _, n in buckets)
        assert value(families, family.name + "_count", pool="waits") == buckets[-1][1]
    host.library.bp_pool_unref(pool)


def test_plugins_are_understood(bullpen_bin, plugins):
    program = pathlib.Path(bullpen_bin).resolve().parent / "examples" / "metrics"
    done = subprocess.run([program, plugins / "extism-pdk" / "count_vowels.wasm", "count_vowels", "Hello"],
                          capture_output=True, text=True, timeout=60, check=True)
    families = families_of(done.stdout)
    labels = {"plugin": "count_vowels", "export": "count_vowels"}
    assert value(families, "bullpen_call_total", **labels, outcome="finished") == 3
    assert value(families, "bullpen_call_total", **labels, outcome="trapped") == 0
    assert value(families, "bullpen_call_seconds_count", **labels) == 3
    longest, total = (value(families, f"bullpen_call_seconds_{what}", **labels) for what in ("max", "sum"))
    assert 0 < longest <= total <= 3 * longest
    assert value(families, "bullpen_pool_take_total", pool="count_vowels", result="hit") >= 1
    assert families["bullpen_module_cache"].type == "counter"
