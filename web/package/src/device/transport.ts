/** The wire between a device and its broker: MQTT 3.1.1 over WebSocket, by MQTT.js, loaded when it is first needed. */

/** A message as it arrives. */
export type OnMessage = (topic: string, payload: Uint8Array) => void;

/** How one connection is made. */
export interface ConnectOptions {
  /** Unique at the broker. */
  clientId: string;
  /** Published, retained, by the broker when the connection is lost. */
  will: { topic: string; payload: Uint8Array };
  /** Called for every message. */
  onMessage: OnMessage;
  /** Called once, when the connection has ended by itself. */
  onClose(): void;
}

/** One connection, from a clean session to its end. */
export interface Connection {
  /** Resolves when the broker has granted it. Like all of these it rejects when the connection is lost. */
  subscribe(filter: string): Promise<void>;
  unsubscribe(filter: string): Promise<void>;
  /** Resolves when a message of QoS 1 is acknowledged, one of QoS 0 is sent. */
  publish(topic: string, payload: Uint8Array, options: { qos: 0 | 1; retain: boolean }): Promise<void>;
  close(): Promise<void>;
}

/** Makes connections. Pages have MQTT.js; a test or a native shell may bring its own. */
export interface Transport {
  connect(options: ConnectOptions): Promise<Connection>;
}

/** Who the broker is told that this is. */
export interface Login {
  username: string;
  password: string;
}

/**
 * MQTT.js to a broker at `ws://` or `wss://`.
 *
 * Its own outbox and reconnects stay unused: what it queues across connections would be told in the name of an older
 * session, so each connection is a fresh client, and the machine says again what must be said.
 */
export function mqttOverWebSocket(url: string | URL, login?: Login): Transport {
  return {
    async connect({ clientId, will, onMessage, onClose }) {
      const { default: mqtt } = await import("mqtt");
      const client = mqtt.connect(String(url), {
        ...login,
        clientId,
        will: { topic: will.topic, payload: will.payload as never, qos: 1, retain: true },
        clean: true,
        protocolVersion: 4,
        keepalive: 30,
        connectTimeout: 60_000,
        reconnectPeriod: 0,
        resubscribe: false,
        queueQoSZero: false,
        forceNativeWebSocket: true,
        // The other kind of timer is a worker from a blob, which a strict content security policy forbids.
        timerVariant: "native",
      });
      await new Promise<void>((resolve, reject) => {
        client.once("connect", () => resolve());
        client.once("error", reject);
        client.once("close", () => reject(new Error("the broker closed the connection")));
      }).catch((error: unknown) => {
        client.end(true);
        throw error;
      });
      let open = true;
      const waiting = new Set<(lost: Error) => void>();
      /** MQTT.js forgets what it was doing when a connection is lost; here that is an error. */
      const settled = <T>(doing: Promise<T>) =>
        new Promise<T>((resolve, reject) => {
          waiting.add(reject);
          doing.then(resolve, reject).finally(() => waiting.delete(reject));
        });
      client.on("message", (topic, payload) => onMessage(topic, payload));
      // The close that follows every error is what counts.
      client.on("error", () => {});
      client.on("close", () => {
        for (const reject of waiting) reject(new Error("the connection is lost"));
        if (open) onClose();
        open = false;
      });
      return {
        async subscribe(filter) {
          await settled(client.subscribeAsync(filter, { qos: 1 }));
        },
        async unsubscribe(filter) {
          await settled(client.unsubscribeAsync(filter));
        },
        async publish(topic, payload, options) {
          await settled(client.publishAsync(topic, payload as never, options));
        },
        async close() {
          open = false;
          await settled(client.endAsync());
        },
      };
    },
  };
}
