// Draws one position: candles, its entry, each move of its stop, take-profit levels, executions.
import {
  CandlestickSeries, ColorType, createChart, createSeriesMarkers, LineSeries, LineStyle, LineType,
} from "../vendor/lightweight-charts-5.2.1.js";
import { full, logged } from "./times.js";

const REFRESH_MS = 15000;
const box = document.getElementById("chart");
const sentence = document.getElementById("chart-sentence");
let chart = null;
let drawn = "";
let again = 0;

export function show(url) {
  const isAnother = box.dataset.url !== url;
  box.dataset.url = url;
  if (isAnother) hide();
  load();
}

export function hide() {
  clearTimeout(again);
  chart?.remove();
  chart = null;
  drawn = "";
}

async function load() {
  clearTimeout(again);
  const { url } = box.dataset;
  try {
    const answer = await fetch(url, { headers: { accept: "application/json" } });
    if (answer.redirected) throw new Error("you are signed out");
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    const text = await answer.text();
    const picture = JSON.parse(text);
    if (url !== box.dataset.url) return; // another one was chosen meanwhile
    if (text !== drawn) draw(picture);
    drawn = text;
    say(picture.sentence);
    if (picture.is_live) again = setTimeout(whenSeen, REFRESH_MS);
  } catch (error) {
    say(`The chart cannot be loaded: ${error.message}. The tables below hold the same.`);
    again = setTimeout(whenSeen, REFRESH_MS);
  }
}

function whenSeen() {
  if (!document.hidden) return load();
  document.addEventListener("visibilitychange", whenSeen, { once: true });
}

function say(text) {
  sentence.textContent = text;
  sentence.hidden = !text;
}

// the key under the chart has the colours: of the theme that is on, resolved by the browser
const ink = (name) => getComputedStyle(document.querySelector(`.key [data-ink="${name}"]`)).color;

function draw(picture) {
  const seen = chart?.timeScale().getVisibleLogicalRange();
  chart?.remove();
  chart = createChart(box, options(picture));
  const snap = snapper(picture);
  drawCandles(picture);
  if (picture.entry) drawLevel(picture, snap, picture.entry.price, "entry", ink("entry"), LineStyle.Dashed);
  for (const { price, level, status } of picture.levels)
    drawLevel(picture, snap, price, `take-profit ${level}, ${status}`, ink("level"), LineStyle.Dotted);
  if (picture.activation) drawLevel(picture, snap, picture.activation, "trails from", ink("text"), LineStyle.Dashed);
  if (picture.liquidation) drawLevel(picture, snap, picture.liquidation, "liquidation", ink("down"), LineStyle.Dotted);
  drawStops(picture, snap);
  drawFills(picture, snap);
  if (seen) chart.timeScale().setVisibleLogicalRange(seen);
  else chart.timeScale().fitContent();
  box.dataset.candles = picture.candles.length;
  tellNobodyWhere();
}

function options({ decimals, seconds }) {
  const price = new Intl.NumberFormat("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  const line = ink("grid");
  return {
    autoSize: true,
    layout: {
      attributionLogo: true,
      background: { type: ColorType.Solid, color: "transparent" },
      textColor: ink("text"),
      fontFamily: getComputedStyle(box).fontFamily,
    },
    grid: { vertLines: { color: line }, horzLines: { color: line } },
    rightPriceScale: { borderColor: line },
    timeScale: {
      borderColor: line, timeVisible: true, secondsVisible: seconds < 60,
      rightOffset: 4, // words of the newest marker need room
      tickMarkFormatter: (at) => logged(at * 1000).slice(0, 5 + 6 * (seconds < 60)),
    },
    localization: {
      locale: "en", priceFormatter: (value) => price.format(value), timeFormatter: (at) => full(at * 1000),
    },
  };
}

// everything is drawn in the candle it happened in, else each moment would get a column of its own
function snapper({ since, until, seconds }) {
  const last = until - seconds;
  return (at) => Math.min(Math.max(at - (at % seconds), since), last);
}

function drawCandles({ since, until, seconds, candles }) {
  const [up, down] = [ink("up"), ink("down")];
  const series = chart.addSeries(CandlestickSeries, {
    upColor: up, wickUpColor: up, borderUpColor: up, downColor: down, wickDownColor: down, borderDownColor: down,
    priceLineVisible: false,
  });
  const known = new Map(candles.map(([time, open, high, low, close]) => [
    time, { time, open: Number(open), high: Number(high), low: Number(low), close: Number(close) },
  ]));
  const columns = [];
  for (let time = since; time < until; time += seconds) columns.push(known.get(time) ?? { time });
  series.setData(columns);
}

function line(color, more) {
  return chart.addSeries(LineSeries, {
    color, lineWidth: 2, priceLineVisible: false, lastValueVisible: true, crosshairMarkerVisible: false, ...more,
  });
}

// a value for every candle, so that the scale knows the line wherever one zooms to
function level(value, from, to, seconds) {
  const points = [];
  for (let time = from; time <= to; time += seconds) points.push({ time, value });
  return points;
}

function drawLevel({ entry, since, until, seconds }, snap, price, title, color, lineStyle) {
  const [from, to] = [snap(entry?.since ?? since), snap(entry?.until ?? until)];
  line(color, { title, lineStyle, lineWidth: 1 }).setData(level(Number(price), from, to, seconds));
}

function drawStops({ stops, seconds }, snap) {
  const runs = stopRuns(stops, snap, seconds);
  runs.forEach((run, index) => {
    const isLast = index === runs.length - 1;
    const title = isLast ? "stop" : "";
    line(ink("stop"), { lineType: LineType.WithSteps, title, lastValueVisible: isLast }).setData(run);
  });
}

// a move to nothing ends a line: where no stop stood, none is drawn. In one candle the last move counts
function stopRuns(stops, snap, seconds) {
  const runs = [];
  let run = null;
  stops.forEach(([at, price], index) => {
    if (price === null) return (run = null);
    if (!run) runs.push((run = new Map()));
    const until = snap(stops[index + 1][0]);
    for (const point of level(Number(price), snap(at), until, seconds)) run.set(point.time, point);
  });
  return runs.map((one) => [...one.values()]);
}

function drawFills({ fills }, snap) {
  const points = new Map();
  for (const { at, price } of fills) points.set(snap(at), { time: snap(at), value: Number(price) });
  const ordered = [...points.values()].sort((a, b) => a.time - b.time);
  const series = line(ink("text"), { lineVisible: false, lastValueVisible: false });
  series.setData(ordered);
  const markers = fills.map(({ at, side, quantity, what }) => {
    const isBuy = side === "buy";
    return {
      time: snap(at),
      position: isBuy ? "belowBar" : "aboveBar",
      shape: isBuy ? "arrowUp" : "arrowDown",
      color: ink(isBuy ? "up" : "down"),
      text: `${what.replace("_", " ")} ${quantity}`,
    };
  });
  createSeriesMarkers(series, markers.sort((a, b) => a.time - b.time));
}

// the logo's link would tell its owner the address of this page
function tellNobodyWhere() {
  const logo = document.getElementById("tv-attr-logo");
  if (logo) logo.search = "";
}

const drawAnew = () => drawn && draw(JSON.parse(drawn));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAnew);
document.addEventListener("palettechange", drawAnew);
document.addEventListener("zonechange", drawAnew);
// what was drawn while its tab was hidden had no width to fit into
document.addEventListener("tabshown", () => requestAnimationFrame(() => chart?.timeScale().fitContent()));
if (box.dataset.url) load();
