# One image for every process; compose.yaml says which command each of them runs.
FROM python:3.13-slim AS installed
WORKDIR /app
COPY . .
RUN python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt -e '.[ml]'

FROM python:3.13-slim
# never root, and nothing of the image can be written; /app/var is for backups
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin bot
COPY --from=installed /venv /venv
COPY --from=installed /app /app
RUN mkdir -p /app/var && chown bot /app/var
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER bot
STOPSIGNAL SIGTERM
CMD ["python", "manage.py", "help"]
