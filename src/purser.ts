/** The package's one entry for importers. */
export { type App, startApp } from './app.ts'
export { type Config, ConfigError, loadConfig } from './config/load.ts'
export { type Code, PurserError, type Refusal } from './errors.ts'
export type { HouseOptions as AppOptions } from './house.ts'
