# One image for both roles: without arguments the exporter, with `responder …` the far end.
#   docker build -t nat-idle-exporter --build-arg REVISION=$(git rev-parse --short HEAD) .
# For both architectures of the release, with QEMU for the other one:
#   docker buildx build --platform linux/amd64,linux/arm64 -t nat-idle-exporter .
# Without native code (koffi) and without the protocol ssh: --build-arg OMIT="--omit=dev --omit=optional"
ARG NODE_IMAGE=docker.io/library/node:24-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN ["npm", "ci", "--ignore-scripts"]
COPY tsconfig.json tsconfig.build.json tsconfig.client.json ./
COPY src src
RUN ["npm", "run", "build"]

FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
ARG OMIT="--omit=dev"
RUN npm ci ${OMIT} --ignore-scripts
COPY deploy/third-party.js deploy/
RUN node deploy/third-party.js node_modules > THIRD-PARTY
# The place of the state, for the numeric user below; a volume mounted here keeps this owner.
RUN ["install", "-d", "-o", "65532", "-g", "65532", "/state/data"]

FROM ${NODE_IMAGE}
ARG REVISION=unknown
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="nat-idle-exporter" \
      org.opencontainers.image.description="Measures how long the NATs on a path remember an idle TCP connection (RFC 5382 REQ-5)" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production \
    NAT_IDLE_REVISION=${REVISION} \
    NAT_IDLE_CONFIG_FILE=/etc/nat-idle-exporter/config.yaml
COPY --from=dependencies /app/node_modules /app/node_modules
COPY --from=build /app/dist /app/dist
COPY --from=dependencies /app/THIRD-PARTY /app/
COPY package.json LICENSE /app/
COPY docs/RUNBOOK.md docs/KNOWN-TIMEOUTS.md /app/docs/
COPY deploy/healthcheck.js /app/deploy/healthcheck.js
COPY config.yaml config.schema.json /etc/nat-idle-exporter/
COPY --from=dependencies /state /var/lib/nat-idle-exporter
# `state_dir: ./data` of the shipped configuration lies in the working directory.
WORKDIR /var/lib/nat-idle-exporter
VOLUME ["/var/lib/nat-idle-exporter/data"]
USER 65532:65532
# Exporter; responder. The responder's own metrics, 15383, are on loopback unless --web.listen-address says otherwise.
EXPOSE 15382 5382
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["node", "/app/deploy/healthcheck.js"]
ENTRYPOINT ["node", "/app/dist/main.js"]
