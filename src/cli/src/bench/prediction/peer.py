"""Serves a model of 200 trees on /invocations as people do in Python, for `gsm bench prediction`."""

import lightgbm
import numpy

FEATURES = 40


def booster(leaves=31, depth=-1):
    dice = numpy.random.default_rng(1)
    table = dice.normal(size=(20_000, FEATURES))
    won = (table[:, 0] + 0.5 * table[:, 1] + dice.normal(size=len(table)) > 0).astype(int)
    told = {"objective": "binary", "num_leaves": leaves, "max_depth": depth, "num_threads": 1, "verbosity": -1}
    return lightgbm.train(told, lightgbm.Dataset(table, won), num_boost_round=200)


def ask(model, features):
    row = numpy.asarray(features, dtype=numpy.float64).reshape(1, -1)
    return float(model.predict(row, num_threads=1)[0])


def fast():
    from fastapi import FastAPI, Response
    from pydantic import BaseModel

    class Asked(BaseModel):
        features: list[float]

    app, model = FastAPI(), booster()

    @app.get("/ping")
    async def ping():
        return Response(status_code=200)

    @app.post("/invocations")
    async def invocations(asked: Asked):
        return {"probability": ask(model, asked.features)}

    return app


def flask_app():
    from flask import Flask, jsonify, request

    app, model = Flask(__name__), booster()

    @app.get("/ping")
    def ping():
        return ""

    @app.post("/invocations")
    def invocations():
        return jsonify(probability=ask(model, request.get_json()["features"]))

    return app
