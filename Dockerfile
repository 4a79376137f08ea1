# One image for web, worker and migrate: `docker run … serve --no-worker`, `… worker`, `… migrate`.

FROM python:3.13-slim-bookworm AS build
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PROJECT_ENVIRONMENT=/opt/jira-chatkit \
    UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /src
# What changes seldom first: these layers are kept as long as the lock is.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project
COPY README.md LICENSE atlassian-connect.json ./
COPY templates templates
COPY static static
COPY app app
RUN uv sync --frozen --no-dev --no-editable

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data --create-home --shell /usr/sbin/nologin chatkit
COPY --from=build /opt/jira-chatkit /opt/jira-chatkit
ENV PATH=/opt/jira-chatkit/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 \
    PORT=8080 \
    LOG_FORMAT=json
USER 10001
# Where SQLite's file lies unless DATABASE_URL says otherwise: /data/var/jira-chatkit.db
WORKDIR /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# For web processes; a worker does not listen, so switch it off there.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=3); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["jira-chatkit"]
CMD ["serve"]
