// A gateway of the peer: whoever connects to ?room=... is told what is emitted to that room.
import { createServer } from "node:http";
import { server } from "./servers.mjs";

const io = await server();
io.on("connection", (socket) => socket.join(socket.handshake.query.room));
const http = createServer();
io.attach(http);
http.listen({ port: Number(process.env.PORT), host: "127.0.0.1", backlog: 4096 }, () => console.log("ready"));
