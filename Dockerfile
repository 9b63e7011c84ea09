# The one image of production: the web server by default, the worker and every command of manage.py by name.
# Nothing secret goes in; what is configured comes by the environment at start (docs/reference/configuration.md).

# By digest where images.env says so (make images): a tag may be another image tomorrow.
ARG NODE_IMAGE=node:24-slim
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${NODE_IMAGE} AS storefront
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci --loglevel error
COPY frontend/ ./
ENV NEXT_TELEMETRY_DISABLED=1
RUN npm run build

FROM ${PYTHON_IMAGE} AS packages
RUN pip install --no-cache-dir --disable-pip-version-check "uv>=0.9"
WORKDIR /src
ENV UV_PROJECT_ENVIRONMENT=/opt/estuary UV_PYTHON_DOWNLOADS=never UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
COPY pyproject.toml uv.lock .python-version ./
RUN uv sync --frozen --no-default-groups
COPY --from=storefront /src/frontend/out frontend/out
RUN /opt/estuary/bin/python -m whitenoise.compress --quiet frontend/out/_next

FROM ${PYTHON_IMAGE}
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin estuary
ENV PATH=/opt/estuary/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY --from=packages /opt/estuary /opt/estuary
COPY --from=packages /src/frontend/out frontend/out
COPY manage.py ./
COPY docs/reference/errors.md docs/reference/errors.md
COPY estuary estuary
RUN python -m compileall -q estuary
USER 10001:10001
EXPOSE 8000
ENV GRANIAN_WORKERS=1 GRANIAN_BLOCKING_THREADS=256
# A request under way at SIGTERM is finished; what takes longer than 20 seconds is cut off and may be sent again.
# HTTP/1.1 alone, which is what the proxy speaks.
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--http", "1", "--no-ws", \
     "--respawn-failed-workers", "--workers-kill-timeout", "20", "--log-config", "estuary/config/granian.json", \
     "estuary.config.wsgi:application"]
