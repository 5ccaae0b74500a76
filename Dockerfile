# A small image of the bot, which runs as nobody in particular; how to run it: docs/hosting/docker.md.
FROM python:3.11-slim-bookworm AS build
COPY --from=ghcr.io/astral-sh/uv:0.13 /uv /usr/local/bin/
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /app
# The packages first: they change seldom, and stay in the cache when only the bot does.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev --no-install-project
COPY README.md LICENSE ./
COPY bot bot
RUN uv sync --locked --no-dev --no-editable

FROM python:3.11-slim-bookworm
# A volume on /app/data starts with this owner; a number, so that Kubernetes can see that it is not root.
RUN mkdir -p /app/data && chown 10001:10001 /app/data
COPY --from=build /app/.venv /app/.venv
# HOST: what asks for it comes from outside the container. Without PORT nothing is served at all.
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0
WORKDIR /app
USER 10001:10001
VOLUME /app/data
# /live, not /health: what restarts unhealthy containers (Swarm, ECS) must not do so because Discord is away.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", "import os, urllib.request as r; port = os.environ.get('PORT'); port and r.urlopen(f'http://127.0.0.1:{port}/live', timeout=4)"]
CMD ["python", "-m", "bot"]
