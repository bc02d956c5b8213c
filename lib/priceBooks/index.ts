export { acceptPrices } from './acceptPrices.ts';
export {
  createPricesInForce,
  type PricesDeps,
  type PricesInForce,
  pricesNamed,
  ratesOf,
  readPrices,
} from './inForce.ts';
export { type RefreshDeps, refreshPrices } from './refreshPrices.ts';
export { keepOwnBook, keptBook, ownBookSettings, type OwnBookSettings } from './ownBook.ts';
