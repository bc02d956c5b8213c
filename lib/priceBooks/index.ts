export { acceptPrices } from './acceptPrices.ts';
export { createPricesInForce, type PricesDeps, type PricesInForce, pricesNamed, readPrices } from './inForce.ts';
export { type RefreshDeps, refreshPrices } from './refreshPrices.ts';
