# The server: docker build -t mnistlab . && docker run --rm -p 8000:8000 mnistlab
# It reads without PyTorch, which requirements.lock does not hold, so the image stays small and needs no compiler.
FROM python:3.11-slim
WORKDIR /source
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes --no-deps -r requirements.lock
COPY . .
RUN pip install --no-cache-dir --no-deps . && rm -r /source/*
RUN useradd --create-home reader
USER reader
WORKDIR /home/reader
EXPOSE 8000
HEALTHCHECK --interval=10s CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:8000/readyz', timeout=3)"]
# 0.0.0.0 is the container's own network: only what -p publishes is reached from outside.
ENTRYPOINT ["mnistlab", "serve", "--host", "0.0.0.0"]
