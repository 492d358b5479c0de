// node tools/data/make_sample.mjs MODULES > zones/sample/us-states-coarse.geojson
//
// Makes the coarse state fences of the offline sample from the package us-atlas in MODULES (a
// node_modules folder). Run by hand when the source changes; the result is part of the checkout.
//
// The borders ("arcs") are simplified, not the states: an arc that two states share is simplified
// once, so they still meet exactly. The ends of an arc never move. Where simplified arcs cross, they
// are simplified less, until none does.
import {createRequire} from 'node:module';
import path from 'node:path';
import {geoJsonText, isFence, readStates, signedArea, stateFeatures} from './states.mjs';

const kToleranceDegrees = 0.05;  // the farthest a border may move: 6 km
const kSmallestDegrees2 = 0.02;  // islands of less area are dropped: 200 km2

// Distance of `p` from the segment a-b, in degrees.
function distanceToSegment(p, a, b) {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length2 = dx * dx + dy * dy;
  const along = length2 === 0 ? 0 : ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / length2;
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(p[0] - a[0] - t * dx, p[1] - a[1] - t * dy);
}

// Douglas and Peucker: keeps the ends, and the farthest point as long as it is out of tolerance.
function simplified(line, tolerance) {
  const [first, last] = [line[0], line.at(-1)];
  let [farthest, distance] = [0, -1];
  for (let i = 1; i + 1 < line.length; ++i) {
    const d = distanceToSegment(line[i], first, last);
    if (d > distance) [farthest, distance] = [i, d];
  }
  if (distance <= tolerance) return [first, last];
  return [...simplified(line.slice(0, farthest + 1), tolerance).slice(0, -1),
          ...simplified(line.slice(farthest), tolerance)];
}

// The arcs in degrees. 0.0001 degrees are 10 m; every point is rounded alike, so ends still meet.
function arcsInDegrees({arcs, transform: {scale, translate}}) {
  return arcs.map((arc) => {
    let [x, y] = [0, 0];
    return arc.map(([dx, dy]) => {
      [x, y] = [x + dx, y + dy];
      return [x * scale[0] + translate[0], y * scale[1] + translate[1]]
          .map((degrees) => Math.round(degrees * 1e4) / 1e4);
    });
  });
}

// Twice the signed area of the triangle: which side of a-b the point c is on.
function side(a, b, c) {
  return Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));
}

function boxesTouch([a, b], [c, d]) {
  return [0, 1].every((axis) => Math.min(a[axis], b[axis]) <= Math.max(c[axis], d[axis]) &&
                                Math.min(c[axis], d[axis]) <= Math.max(a[axis], b[axis]));
}

// Whether two segments that share no end have a point in common.
function cross([a, b], [c, d]) {
  const shareAnEnd = [a, b].some((p) => [c, d].some((q) => p[0] === q[0] && p[1] === q[1]));
  return !shareAnEnd && boxesTouch([a, b], [c, d]) &&
      side(a, b, c) * side(a, b, d) <= 0 && side(c, d, a) * side(c, d, b) <= 0;
}

// The indices of the arcs that cross an arc, themselves included.
function crossingArcs(arcs) {
  const segments = arcs.flatMap((arc, index) =>
      arc.slice(1).map((end, i) => ({index, ends: [arc[i], end]})));
  const found = new Set();
  segments.forEach((s, i) => segments.slice(i + 1).forEach((t) => {
    if (cross(s.ends, t.ends)) found.add(s.index).add(t.index);
  }));
  return found;
}

// The topology with simplified arcs in degrees, so that no transform is left to apply. Arcs of other
// states than the fences' are left empty.
function coarse(topology) {
  const ofFences = topology.objects.states.geometries.filter(isFence);
  const used = new Set(ofFences.flatMap((g) => g.arcs.flat(Infinity)).map((i) => (i < 0 ? ~i : i)));
  const exact = arcsInDegrees(topology).map((arc, i) => (used.has(i) ? arc : []));
  const tolerances = exact.map(() => kToleranceDegrees);
  for (;;) {
    const arcs = exact.map((arc, i) => (arc.length > 0 ? simplified(arc, tolerances[i]) : []));
    const crossing = crossingArcs(arcs);
    if (crossing.size === 0) return {type: 'Topology', objects: topology.objects, arcs};
    for (const index of crossing) tolerances[index] /= 2;
    if (Math.min(...tolerances) < 1e-5) throw new Error('the arcs cross even without simplification');
  }
}

// A state keeps its largest polygon even when that is small (DC).
function withoutSmallIslands(state) {
  if (state.geometry.type === 'Polygon') return state;
  const polygons = [...state.geometry.coordinates].sort(
      (a, b) => signedArea(b[0]) - signedArea(a[0]));
  const kept = polygons.filter(
      (rings, i) => i === 0 || signedArea(rings[0]) / 2 >= kSmallestDegrees2);
  const geometry = kept.length === 1 ? {type: 'Polygon', coordinates: kept[0]} :
                                       {type: 'MultiPolygon', coordinates: kept};
  return {...state, geometry};
}

if (process.argv.length !== 3) {
  console.error('usage: node make_sample.mjs MODULES');
  process.exit(2);
}
const modules = path.resolve(process.argv[2]);
const {feature} = createRequire(import.meta.url)(path.join(modules, 'topojson-client'));
const topology = readStates(modules);
const states = stateFeatures(coarse(topology), feature).map(withoutSmallIslands);
process.stdout.write(geoJsonText(states));
