// An official client that answers every chat message. Argument: the origin.
import { io } from "socket.io-client";

const room = "chat/lobby";
const socket = io(process.argv[2], { transports: ["websocket"] });
let answers = 0;

socket.on("connect", async () => {
  await socket.emitWithAck("chat:enter", { name: "Node" });
  await socket.emitWithAck("room:join", { room });
});
socket.on("chat:message", ({ from, text }) => {
  if (from.name !== "Node") socket.emit("chat:send", { room, text: `you said: ${text}`, id: `${socket.id} ${++answers}` }, () => {});
});
