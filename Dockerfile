# The server, without PyTorch, Ray or a compiler: docker build -t mnistlab . && docker run --rm -p 8000:8000 mnistlab
# To move the base image: docker buildx imagetools inspect python:3.11-slim-bookworm shows the digest of the newest one.
ARG BASE=python:3.11.14-slim-bookworm@sha256:65a93d69fa75478d554f4ad27c85c1e69fa184956261b4301ebaf6dbb0a3543d

FROM ${BASE} AS builder
WORKDIR /source
RUN python -m venv /opt/build && python -m venv --without-pip /opt/mnistlab
ENV PIP_NO_CACHE_DIR=1 PIP_NO_DEPS=1 PIP_ONLY_BINARY=:all:
COPY container.lock release.lock ./
RUN /opt/build/bin/pip --python /opt/mnistlab install --require-hashes --requirement container.lock
RUN /opt/build/bin/pip install --require-hashes --requirement release.lock
COPY pyproject.toml setup.py MANIFEST.in README.md LICENSE ./
COPY src src
# Without a compiler the wheel lacks the native kernels, which only training uses.
RUN /opt/build/bin/python -m build --wheel --no-isolation --outdir /wheel \
    && /opt/build/bin/pip --python /opt/mnistlab install --no-index /wheel/*.whl

FROM ${BASE}
COPY --from=builder /opt/mnistlab /opt/mnistlab
ENV PATH=/opt/mnistlab/bin:$PATH
RUN useradd --create-home --uid 10001 reader
USER reader
WORKDIR /home/reader
EXPOSE 8000
# In bash alone: starting Python for every probe would take longer than reading a picture.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/8000 && printf 'GET /readyz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
# 0.0.0.0 is the container's own network: only what -p publishes is reached from outside.
ENTRYPOINT ["mnistlab", "serve", "--host", "0.0.0.0"]
