// The 48 contiguous US states and DC as GeoJSON fences, from the TopoJSON of the package us-atlas.
//
// TopoJSON stores a border between two states once (an "arc"), so both neighbours get the very same
// numbers. Everything here keeps that: a coordinate is only ever changed by a function of itself.

import fs from 'node:fs';
import path from 'node:path';

// FIPS code (the feature id in us-atlas) -> postal code. Alaska, Hawaii and the territories are left
// out: they touch no other fence, and the nearest anchor serves them.
const kPostalByFips = {
  '01': 'al', '04': 'az', '05': 'ar', '06': 'ca', '08': 'co', '09': 'ct', '10': 'de', '11': 'dc',
  '12': 'fl', '13': 'ga', '16': 'id', '17': 'il', '18': 'in', '19': 'ia', '20': 'ks', '21': 'ky',
  '22': 'la', '23': 'me', '24': 'md', '25': 'ma', '26': 'mi', '27': 'mn', '28': 'ms', '29': 'mo',
  '30': 'mt', '31': 'ne', '32': 'nv', '33': 'nh', '34': 'nj', '35': 'nm', '36': 'ny', '37': 'nc',
  '38': 'nd', '39': 'oh', '40': 'ok', '41': 'or', '42': 'pa', '44': 'ri', '45': 'sc', '46': 'sd',
  '47': 'tn', '48': 'tx', '49': 'ut', '50': 'vt', '51': 'va', '53': 'wa', '54': 'wv', '55': 'wi',
  '56': 'wy',
};

// The TopoJSON of the package us-atlas in the folder `modules`.
export function readStates(modules) {
  return JSON.parse(fs.readFileSync(path.join(modules, 'us-atlas', 'states-10m.json'), 'utf8'));
}

export function isFence(geometry) {
  return geometry.id in kPostalByFips;
}

// Six decimals are 0.11 m at the equator, finer than the source's grid.
function rounded(degrees) {
  return Math.round(degrees * 1e6) / 1e6;
}

// Twice the signed planar area: positive for a counterclockwise ring.
export function signedArea(ring) {
  let sum = 0;
  for (let i = 0; i + 1 < ring.length; ++i) {
    sum += ring[i][0] * ring[i + 1][1] - ring[i + 1][0] * ring[i][1];
  }
  return sum;
}

function samePoint(a, b) {
  return a !== undefined && a[0] === b[0] && a[1] === b[1];
}

// The source's grid leaves a few repeated points and spikes (A, B, A) that enclose nothing; a fence
// must not touch itself, so they are cut. A ring of nothing else becomes shorter than 4 points.
function withoutSpikes(ring) {
  const kept = [];
  for (const point of ring) {
    if (samePoint(kept.at(-2), point)) {
      kept.pop();
    } else if (!samePoint(kept.at(-1), point)) {
      kept.push(point);
    }
  }
  return kept;
}

function cleanPolygon(rings) {
  return rings
      .map((ring) => withoutSpikes(ring.map(([lon, lat]) => [rounded(lon), rounded(lat)])))
      .filter((ring) => ring.length >= 4)
      .map((ring, index) => oriented(ring, index > 0));
}

// RFC 7946 section 3.1.6: the outer ring runs counterclockwise, holes run clockwise.
function oriented(ring, isHole) {
  const isClockwise = signedArea(ring) < 0;
  return isClockwise === isHole ? ring : ring.slice().reverse();
}

// The states of `topology`, sorted by postal code. `feature` is topojson-client's function.
export function stateFeatures(topology, feature) {
  const states = topology.objects.states.geometries.filter(isFence);
  if (states.length !== Object.keys(kPostalByFips).length) {
    throw new Error(`expected ${Object.keys(kPostalByFips).length} states, found ${states.length}`);
  }
  return states.map((state) => {
    const geometry = feature(topology, state).geometry;
    const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
    const coordinates = polygons.map(cleanPolygon).filter((rings) => rings.length > 0);
    return {
      type: 'Feature',
      id: kPostalByFips[state.id],
      properties: {name: state.properties.name},
      geometry: coordinates.length === 1 ?
          {type: 'Polygon', coordinates: coordinates[0]} :
          {type: 'MultiPolygon', coordinates},
    };
  }).sort((a, b) => (a.id < b.id ? -1 : 1));
}

// One feature a line, so that a diff of two versions can be read.
export function geoJsonText(features) {
  const lines = features.map((f) => JSON.stringify(f)).join(',\n');
  return `{"type":"FeatureCollection","features":[\n${lines}\n]}\n`;
}
