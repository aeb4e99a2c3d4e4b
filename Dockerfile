# One image for every process; which one it is, the command says.
FROM python:3.12-slim AS build
WORKDIR /srv/portal
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.txt

FROM python:3.12-slim
RUN useradd --system --create-home --home-dir /var/lib/portal portal
WORKDIR /srv/portal
COPY --from=build /venv /venv
COPY --chown=root:root . .
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PORTAL_VAR=/var/lib/portal STATIC_ROOT=/srv/static HOST=0.0.0.0
# Gathered at build with throw-away secrets: the image holds none.
RUN mkdir -p /srv/static && SECRET_KEY=build FIELD_KEYS=build DATABASE_URL=postgres://u@db/d REDIS_URL=redis://r python manage.py collectstatic --noinput -v0 \
 && mkdir -p /var/lib/portal/media /var/lib/portal/backups /var/lib/portal/anchors && chown -R portal:portal /var/lib/portal
# From here on nothing starts without secrets and names of its own.
ENV PRODUCTION=1
USER portal
EXPOSE 8000
CMD ["python", "manage.py", "web"]
