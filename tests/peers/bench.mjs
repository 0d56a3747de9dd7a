// The official parsers' half of `cargo bench -p tertulia-client`: the same packets, when and as often as it is told.
// Standard input: one line of JSON with the packets, then lines "<case> <count>"; each is answered with nanoseconds.
import { createInterface } from "node:readline";
import { Emitter } from "@socket.io/component-emitter";
import * as engine from "engine.io-parser";
import { Decoder, Encoder, PacketType } from "socket.io-parser";

const toBytes = (value) => {
  if (Array.isArray(value)) return value.map(toBytes);
  if (value === null || typeof value !== "object") return value;
  if (typeof value.$bytes === "string") return Buffer.from(value.$bytes, "hex");
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, toBytes(part)]));
};

// What is done with a result, so that it is not optimised away. V8 puts texts together lazily: reading a character does it.
let sink = 0;
const consume = (text) => (sink += text.charCodeAt(text.length - 1));

const encoder = new Encoder();
const encodeEvent = (data) => () => {
  const parts = encoder.encode({ type: PacketType.EVENT, nsp: "/", data });
  consume(parts[0]);
};
const decodeEvent = (encoded) => {
  const decoder = new Decoder();
  decoder.on("decoded", (packet) => (sink += packet.data.length));
  return () => {
    for (const part of encoded) decoder.add(part);
  };
};

// As the official client does it: parser, parser, emitter.
const receive = (frame) => {
  const decoder = new Decoder();
  const socket = new Emitter();
  const message = JSON.parse(frame.slice(2));
  socket.on(message[0], (payload) => (sink += Object.keys(payload).length));
  decoder.on("decoded", (packet) => socket.emit(...packet.data));
  return () => decoder.add(engine.decodePacket(frame).data);
};
const emitAndSettle = (data, ack) => {
  const decoder = new Decoder();
  const acks = new Map();
  let id = 0;
  decoder.on("decoded", (packet) => {
    const settle = acks.get(packet.id);
    acks.delete(packet.id);
    settle(...packet.data);
  });
  return () => {
    acks.set(id, (answer) => (sink += Object.keys(answer).length));
    const [text] = encoder.encode({ type: PacketType.EVENT, nsp: "/", id, data });
    engine.encodePacket({ type: "message", data: text }, true, consume);
    decoder.add(engine.decodePacket(`43${id}${ack}`).data);
    id += 1;
  };
};

const operations = ({ kind, data, encoded, ack }) => {
  const bytes = toBytes(data);
  switch (kind) {
    case "encode event":
      return encodeEvent(bytes);
    case "decode event":
      return decodeEvent(toBytes(encoded));
    case "encode packet":
      return () => engine.encodePacket({ type: "message", data: bytes }, false, consume);
    case "decode packet":
      return () => (sink += engine.decodePacket(encoded).data.length);
    case "encode payload":
      return () => engine.encodePayload(bytes.map((text) => ({ type: "message", data: text })), consume);
    case "decode payload":
      return () => (sink += engine.decodePayload(encoded).length);
    case "receive":
      return receive(encoded);
    case "emit and settle":
      return emitAndSettle(bytes, ack);
  }
};

let cases;
for await (const line of createInterface({ input: process.stdin })) {
  if (cases === undefined) {
    cases = JSON.parse(line).map(operations);
    console.log(cases.length);
    continue;
  }
  const [index, count] = line.split(" ").map(Number);
  const operation = cases[index];
  const begin = process.hrtime.bigint();
  for (let done = 0; done < count; done += 1) operation();
  console.log(String(process.hrtime.bigint() - begin));
}
if (!Number.isFinite(sink)) throw new Error("nothing was done");
