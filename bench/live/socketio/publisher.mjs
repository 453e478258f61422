// What the API is to the peer: it serves no watchers, and emits positions to rooms as standard input asks for
// ({"topics", "messages", "per_second"}), evenly.
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { server } from "./servers.mjs";

const io = await server();
const microseconds = () => Math.round((performance.timeOrigin + performance.now()) * 1000);
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
    const { topics, messages, per_second } = JSON.parse(line);
    const begun = performance.now();
    for (let number = 0; number < messages; number++) {
        const early = begun + (number * 1000) / per_second - performance.now();
        if (early > 1) await sleep(early);
        const topic = topics[number % topics.length];
        const now = microseconds();
        io.to(topic).emit("position", {
            type: "position",
            topic,
            seq: now,
            lon: -77.03654,
            lat: 38.89768,
            recorded_at: new Date(now / 1000).toISOString(),
            speed_mps: 1.3,
        });
    }
    console.log("done");
}
process.exit();
