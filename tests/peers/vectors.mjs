// The golden vectors of tests/vectors, read by the official parsers: what we encode and decode, they do.
// Prints one line for each vector that does not hold, and ends with 1; else prints how many held.
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import * as engine from "engine.io-parser";
import { Decoder, Encoder, PacketType, isPacketValid } from "socket.io-parser";

const read = (name) => JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url)));
const failures = [];
let held = 0;
const check = (name, actual, expected) => {
  if (isDeepStrictEqual(actual, expected)) held += 1;
  else failures.push(`${name}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
};

// Bytes are {"$bytes": hex} in the vectors and Buffers for the parsers.
const toBytes = (value) => {
  if (Array.isArray(value)) return value.map(toBytes);
  if (value === null || typeof value !== "object") return value;
  if (typeof value.$bytes === "string") return Buffer.from(value.$bytes, "hex");
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, toBytes(part)]));
};
const fromBytes = (value) => {
  if (Buffer.isBuffer(value)) return { $bytes: value.toString("hex") };
  if (Array.isArray(value)) return value.map(fromBytes);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, fromBytes(part)]));
};
const without = (packet) => Object.fromEntries(Object.entries(packet).filter(([, value]) => value !== undefined));

// What the official decoder makes of texts and binaries: a packet as the vectors tell it, or "refused".
const decodeSocket = (encoded) => {
  const decoder = new Decoder();
  const packets = [];
  decoder.on("decoded", ({ type, nsp, id, data }) => {
    packets.push(without({ type: PacketType[type].toLowerCase(), namespace: nsp, id, data: fromBytes(data) }));
  });
  try {
    for (const part of toBytes(encoded)) decoder.add(part);
  } catch {
    return "refused";
  }
  return packets.length === 1 ? packets[0] : `${packets.length} packets`;
};
const encodeSocket = ({ type, namespace, id, data }) => {
  const packet = without({ type: PacketType[type.toUpperCase()], nsp: namespace, id, data: toBytes(data) });
  if (!isPacketValid(packet)) return "invalid";
  return fromBytes(new Encoder().encode(packet));
};
const judge = (actual, expected) => (expected === "accepted" && actual !== "refused" ? "accepted" : actual);

const socket = read("socket");
for (const { name, packet, encoded } of socket.packets) {
  check(`socket: encode ${name}`, encodeSocket(packet), encoded);
  check(`socket: decode ${name}`, decodeSocket(encoded), packet);
}
for (const { name, packet, encoded } of socket.decoded) check(`socket: ${name}`, decodeSocket(encoded), packet);
for (const { encoded, why } of socket.refused) {
  check(`socket: ${JSON.stringify(encoded)}, ${why}`, decodeSocket(encoded), "refused");
}
for (const { encoded, official } of socket.differ) {
  check(`socket: ${JSON.stringify(encoded)}`, judge(decodeSocket(encoded), official), official);
}

const tellEngine = ({ type, data }) => {
  if (type === "error") return "refused";
  return without({ type, data: type === "open" && data ? JSON.parse(data) : fromBytes(data) });
};
// What has no data, and what has an empty one, is the same text.
const plain = (packet) => (packet.data === "" ? { type: packet.type } : packet);
const decodeEngine = (encoded) => tellEngine(engine.decodePacket(encoded));
const encodeEngine = (packet, encoded) => {
  // The order of the handshake's fields is its writer's own.
  const data = packet.type === "open" ? encoded.slice(1) : toBytes(packet.data);
  return new Promise((resolve) => engine.encodePacket({ type: packet.type, data }, false, resolve));
};
const official = read("engine");
for (const { name, packet, encoded } of official.packets) {
  check(`engine: encode ${name}`, await encodeEngine(packet, encoded), encoded);
  check(`engine: decode ${name}`, decodeEngine(encoded), plain(packet));
}
for (const { name, packet, encoded } of official.decoded) check(`engine: ${name}`, decodeEngine(encoded), packet);
for (const { name, packets, encoded } of official.payloads) {
  const parts = encoded.split("\u001e");
  const input = packets.map((packet, index) => ({
    type: packet.type,
    data: packet.type === "open" ? parts[index].slice(1) : toBytes(packet.data),
  }));
  check(`payload: encode ${name}`, await new Promise((resolve) => engine.encodePayload(input, resolve)), encoded);
  check(`payload: decode ${name}`, engine.decodePayload(encoded).map(tellEngine), packets.map(plain));
}
for (const { encoded, why } of official.refused) check(`engine: ${encoded}, ${why}`, decodeEngine(encoded), "refused");
for (const { encoded, why } of official.refused_payloads) {
  const last = engine.decodePayload(encoded).at(-1);
  check(`payload: ${JSON.stringify(encoded)}, ${why}`, tellEngine(last), "refused");
}
for (const { encoded, official: expected } of official.differ) {
  check(`engine: ${encoded}`, decodeEngine(encoded), expected);
}

if (failures.length > 0) {
  console.error(failures.join("\n"));
  process.exit(1);
}
console.log(JSON.stringify({ step: "held", value: held }));
