// The peer in Node: PostGraphile (Grafast) serves the same SQL functions as GraphQL, behind a verified token
// and a limiter on the same Redis Cluster. Tokens that passed are remembered, as in the API.
import { createServer } from "node:http";
import { createVerifier } from "fast-jwt";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { postgraphile } from "postgraphile";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { Cluster } from "ioredis";
import { RateLimiterRedis } from "rate-limiter-flexible";

const { RPC_SECRET, RPC_BARE_DSN, RPC_POOL_SIZE, RPC_REDIS, RPC_REDIS_PASSWORD, PORT } = process.env;
const verify = createVerifier({ key: RPC_SECRET, algorithms: ["HS256"], cache: 10_000 });
const nodes = RPC_REDIS.split(",").map((address) => {
    const [host, port] = address.split(":");
    return { host, port: Number(port) };
});
const limiter = new RateLimiterRedis({
    storeClient: new Cluster(nodes, { redisOptions: { password: RPC_REDIS_PASSWORD } }),
    points: 1_000_000_000,
    duration: 60,
});

const instance = postgraphile({
    extends: [PostGraphileAmberPreset],
    pgServices: [
        makePgService({
            connectionString: RPC_BARE_DSN,
            schemas: ["api"],
            poolConfig: { max: Number(RPC_POOL_SIZE) },
        }),
    ],
    grafserv: { graphqlPath: "/graphql", graphiql: false, websockets: false, watch: false },
    grafast: {
        explain: false,
        context({ node: { req } }) {
            const { role, ...claims } = req.claims;
            return { pgSettings: { role, "request.jwt.claims": JSON.stringify(claims) } };
        },
    },
});
const handle = instance.createServ(grafserv).createHandler();

createServer(async (request, response) => {
    let claims;
    try {
        claims = verify(request.headers.authorization.slice(7));
    } catch {
        response.writeHead(401).end();
        return;
    }
    request.claims = claims;
    try {
        const admitted = await limiter.consume(claims.sub);
        response.setHeader("RateLimit-Policy", '"calls";q=1000000000;w=60');
        response.setHeader("RateLimit", `"calls";r=${admitted.remainingPoints}`);
    } catch {
        response.writeHead(429).end();
        return;
    }
    handle(request, response);
}).listen(Number(PORT), "127.0.0.1");
