// What both processes of the peer share: a socket.io server on the Redis Cluster.
import { createShardedAdapter } from "@socket.io/redis-adapter";
import { createCluster } from "redis";
import { Server } from "socket.io";

const { LIVE_REDIS, LIVE_REDIS_PASSWORD } = process.env;

async function cluster() {
    const rootNodes = LIVE_REDIS.split(",").map((address) => ({ url: `redis://${address}` }));
    const client = createCluster({ rootNodes, defaults: { password: LIVE_REDIS_PASSWORD } });
    client.on("error", (error) => console.error(error));
    await client.connect();
    return client;
}

export async function server() {
    return new Server({
        adapter: createShardedAdapter(await cluster(), await cluster()),
        transports: ["websocket"],
        serveClient: false,
    });
}
