# The worker, and with another command any MCP server (see docker-compose.temporal.yml).
FROM node:20-slim

# The Temporal SDK reaches TLS endpoints with the system's certificates, which the slim image lacks.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY bin/install.mjs bin/
COPY packages packages
# `npm ci`, with the mark by which `bin/dagwright.mjs` knows that it was done.
RUN node --input-type=module -e 'import { ensureInstalled } from "/app/bin/install.mjs"; ensureInstalled()' \
 && npm cache clean --force
COPY . .

# State goes to the volume alone.
ENV NODE_ENV=production \
    DAGWRIGHT_HOME=/data
RUN mkdir /data && chown node:node /data
VOLUME /data
USER node
CMD ["node", "--conditions=source", "--import", "tsx", "worker/main.ts"]
