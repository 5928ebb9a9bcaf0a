// One socket that comes back, numbers its messages, and knows how old its data is.

const STALE_AFTER = 5000;
const HALF_OPEN_AFTER = 10000;
const FIRST_DELAY = 500;
const LONGEST_DELAY = 5000;
const SIGNED_OUT = 4401;
const NOT_ALLOWED = 4403;

export class Connection {
  constructor(onMessage, onState) {
    this.onMessage = onMessage;
    this.onState = onState;
    this.attempts = 0;
    this.signedOut = false;
    this.heardAt = this.pricedAt = null;
    this.needsPrices = false;
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.hidden || this.catchUp());
    setInterval(() => this.watch(), 250);
    this.open();
  }

  open() {
    clearTimeout(this.timer);
    this.timer = null;
    this.seq = 0;
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = (this.socket = new WebSocket(`${scheme}//${location.host}/ws/live/`));
    this.openedAt = Date.now();
    socket.onmessage = (event) => socket === this.socket && this.receive(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.socket && this.lost(event.code);
  }

  receive(message) {
    const missed = message.seq !== this.seq + 1;
    this.seq = message.seq;
    this.attempts = 0;
    this.heardAt = Date.now();
    this.onMessage(message);
    if (missed) this.ask();
    this.watch();
  }

  ask() {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send('{"type":"snapshot"}');
  }

  lost(code) {
    this.signedOut = code === SIGNED_OUT || code === NOT_ALLOWED;
    if (!this.signedOut) {
      const delay = Math.min(FIRST_DELAY * 2 ** this.attempts++, LONGEST_DELAY);
      this.timer = setTimeout(() => this.open(), delay * (0.75 + Math.random() / 2));
    }
    this.watch();
  }

  hurry() {
    if (this.timer) this.open();
  }

  catchUp() {
    if (this.socket?.readyState === WebSocket.OPEN) this.ask();
    else this.hurry();
  }

  // a network that vanished does not close the socket by itself
  watch() {
    const silentFor = Date.now() - Math.max(this.heardAt ?? 0, this.openedAt);
    if (!this.timer && !this.signedOut && silentFor > HALF_OPEN_AFTER) {
      const dead = this.socket;
      this.socket = null;
      dead.close();
      this.lost();
    }
    this.onState(this.state());
  }

  // how long the figures have stood still; null when no price was seen yet
  dataAge() {
    const now = Date.now();
    const silent = this.heardAt === null ? null : now - this.heardAt;
    if (!this.needsPrices || silent === null) return silent;
    return this.pricedAt === null ? null : Math.max(silent, now - this.pricedAt);
  }

  state() {
    if (this.signedOut) return { link: "out", text: "Signed out" };
    if (this.socket?.readyState !== WebSocket.OPEN || this.heardAt === null)
      return { link: "down", text: "Reconnecting…" };
    const age = this.dataAge();
    if (age === null) return { link: "stale", text: "No prices yet" };
    if (age > STALE_AFTER) return { link: "stale", text: `No data for ${Math.floor(age / 1000)} s` };
    return { link: "live", text: "Live" };
  }
}
