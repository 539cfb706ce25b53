#!/bin/sh
# `train` or `serve`, as SageMaker names them; exec, so that signals reach the program.
exec /usr/local/bin/gsm sagemaker "$@"
