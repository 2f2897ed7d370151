# The image of kubegauge: compiled JavaScript and its production packages on a Node without a shell.
#
#   docker build -t kubegauge:0.1.0 .
#
# A registry of one's own: --secret id=npmrc,src=$HOME/.npmrc (BuildKit and buildah; it never becomes part of a layer).
# Where the two images cannot be pulled, name others; test/cluster/product-image.ts makes them from the machine's own files.
# By digest, of their indexes for all architectures: a tag may be another image tomorrow. The registry has only what its owner pushed, so a digest can be old,
# but not another image. To renew one: `docker buildx imagetools inspect <image>:<tag>`.
ARG BUILD_IMAGE=docker.io/library/node:24.21.0-bookworm-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs24-debian13:nonroot@sha256:9eeb7f5887d0e239e78264b06f7f11d2e14be534050481803a9e4728fcdd278e

# On the machine's own architecture, whatever the image's is: what is built is JavaScript, and nothing has to be emulated.
FROM --platform=${BUILDPLATFORM} ${BUILD_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src src
RUN npm run build
# The optional packages are Node itself, which the runtime image already is.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \
    npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --omit=dev --omit=optional

# Where the runtime image keeps Node. It has neither a shell nor /usr/bin/env, so the entry's first line must name it, and has room for one flag; no flag can
# be given to Node once it runs. A young generation of 4 MB: by Node's own sizes it is collected ten times in ten seconds where there is little to do, and
# takes 100 MB where there is much.
ARG NODE=/nodejs/bin/node
# A folder that is copied as a whole keeps the link; manifests written for metrics-server may say `command: [/metrics-server]`.
RUN mkdir -p /image/app \
 && mv dist node_modules package.json /image/app/ \
 && sed -i -e '1{/^#!/d' -e '}' /image/app/dist/main.js \
 && sed -i -e "1i #!${NODE} --min-semi-space-size=4" /image/app/dist/main.js \
 && chmod 755 /image/app/dist/main.js \
 && ln -s app/dist/main.js /image/metrics-server

FROM ${RUNTIME_IMAGE}
COPY --from=build /image/ /
# The heap ends at 60 percent of the container's memory limit (of the machine's memory without one), whatever the limit is; the rest is for TLS, buffers, a snapshot
# that is being read, and threads. By itself V8 takes half of it (259 MiB of 512), and at most 4 GiB.
ENV NODE_ENV=production NODE_OPTIONS="--max-semi-space-size=4 --max-old-space-size-percentage=60"
# V8's compilers take tens of MB now and then; with an arena for each thread, and glibc's thresholds that grow with what was freed once, the process would keep
# most of it: 10 MB of 150.
ENV MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=524288 MALLOC_MMAP_THRESHOLD_=4194304
EXPOSE 10250
USER 65532:65532
ENTRYPOINT ["/metrics-server"]
