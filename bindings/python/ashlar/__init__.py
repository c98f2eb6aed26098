"""Ashlar from Python: `python3 -m ashlar PROGRAM` runs a program under it, and the functions here look at this process's heap.

The functions work where the process runs under Ashlar (LD_PRELOAD, `ashlar run` or `python3 -m ashlar`) and raise
NotUnderAshlar elsewhere. All are thread-safe.
"""
import ctypes

__version__ = "0.3.0"
__all__ = ["NotUnderAshlar", "CacheStats", "Stats", "active", "library_version", "malloc_trim", "stats"]

_CACHES = 64


class NotUnderAshlar(RuntimeError):
    """This process does not run under Ashlar."""


class CacheStats(ctypes.Structure):
    """struct ashlar_cache_stats of ashlar/ashlar.h."""
    _fields_ = [(name, ctypes.c_uint64) for name in
                ("object_size", "live", "magazines", "depot", "slab_free", "slabs", "slab_bytes")]


class Stats(ctypes.Structure):
    """struct ashlar_stats of ashlar/ashlar.h. A library that is newer than this module has more fields, which are left out."""
    _fields_ = [("version", ctypes.c_uint32), ("size", ctypes.c_uint32),
                *((name, ctypes.c_uint64) for name in
                  ("live_slab", "live_runs", "live_vmalloc", "magazines", "depot", "slab_free", "dirty_free", "clean_free", "purged",
                   "peak", "metadata", "vmalloc_blocks", "threads")),
                ("cache_count", ctypes.c_uint32), ("pressure", ctypes.c_uint32), ("caches", CacheStats * _CACHES)]


def _function(name, result, *parameters):
    try:
        function = getattr(ctypes.CDLL(None), name)
    except AttributeError:
        raise NotUnderAshlar("this process does not run under Ashlar: start it by `python3 -m ashlar`") from None
    function.restype, function.argtypes = result, parameters
    return function


def library_version():
    """Returns the version of the library that this process runs under."""
    return _function("ashlar_version", ctypes.c_char_p)().decode()


def active():
    """Returns whether this process runs under Ashlar."""
    try:
        return bool(library_version())
    except NotUnderAshlar:
        return False


def stats():
    """Returns what the heap is used for, as a dict of bytes and counts; "caches" is a list of a dict for each size."""
    figures = Stats()
    error = _function("ashlar_stats_snapshot", ctypes.c_int, ctypes.POINTER(Stats), ctypes.c_size_t)(figures, ctypes.sizeof(Stats))
    if error != 0:
        raise OSError(error, "ashlar_stats_snapshot refuses")
    result = {name: getattr(figures, name) for name, _ in Stats._fields_ if name != "caches"}
    caches = figures.caches[:min(figures.cache_count, _CACHES)]
    result["caches"] = [{name: getattr(cache, name) for name, _ in CacheStats._fields_} for cache in caches]
    return result


def malloc_trim():
    """Returns free memory to the system; False if there was none to return."""
    return _function("ashlar_malloc_trim", ctypes.c_int, ctypes.c_size_t)(0) != 0
