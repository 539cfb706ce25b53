"""Times predictions one by one, without a server: LightGBM's C API, or ONNX Runtime, for `gsm bench prediction`.

Prints the nanoseconds of processor time of one, for trees as LightGBM makes them by itself and for trees of the size of ours.
"""

import ctypes
import json
import sys
import time

import lightgbm
import numpy

from peer import FEATURES, booster

# They differ, as matches do: of one that comes again and again a processor learns by heart which way each tree goes.
ROWS = 4_096
ROUNDS = 5


def each(work):
    """Of some rounds the fastest; in the first one everything is new."""
    took = []
    for _ in range(ROUNDS):
        begin = time.thread_time_ns()
        work()
        took.append((time.thread_time_ns() - begin) / ROWS)
    return min(took)


def same(one, other):
    if abs(one - other) > 1e-5:
        sys.exit(f"it predicts {one} where LightGBM for Python predicts {other}")


def c_api(model, table):
    library, config = lightgbm.basic._LIB, ctypes.c_void_p()
    normal, first, all_trees, float64 = 0, 0, -1, 1
    told = (model._handle, normal, first, all_trees, float64, FEATURES, b"num_threads=1", ctypes.byref(config))
    if library.LGBM_BoosterPredictForMatSingleRowFastInit(*told) != 0:
        sys.exit("LGBM_BoosterPredictForMatSingleRowFastInit failed")
    length, chance = ctypes.c_int64(), ctypes.c_double()
    into = (ctypes.byref(length), ctypes.byref(chance))
    rows = [ctypes.c_void_p(row.ctypes.data) for row in table]

    def calls(function):
        def work():
            for row in rows:
                function(config, row, *into)

        return work

    predict = library.LGBM_BoosterPredictForMatSingleRowFast
    if predict(config, rows[0], *into) != 0:
        sys.exit("LGBM_BoosterPredictForMatSingleRowFast failed")
    same(chance.value, model.predict(table[:1])[0])
    # What Python takes to call any function of a library is not LightGBM's: that of one that does nothing is taken off.
    return each(calls(predict)) - each(calls(ctypes.CDLL(None).abs))


def onnx(model, table):
    import onnxruntime
    from onnxmltools import convert_lightgbm
    from onnxmltools.convert.common.data_types import FloatTensorType

    told = convert_lightgbm(model, initial_types=[("row", FloatTensorType([1, FEATURES]))], zipmap=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(told.SerializeToString(), options, providers=["CPUExecutionProvider"])
    rows = [{"row": row.reshape(1, -1).astype(numpy.float32)} for row in table]
    wanted = ["probabilities"]
    same(session.run(wanted, rows[0])[0][0][1], model.predict(table[:1].astype(numpy.float32))[0])

    def work():
        for row in rows:
            session.run(wanted, row)

    return each(work)


measure = {"lightgbm": c_api, "onnx": onnx}[sys.argv[1]]
table = numpy.random.default_rng(2).normal(size=(ROWS, FEATURES))
print(json.dumps([measure(model, table) for model in (booster(), booster(leaves=16, depth=5))]))
