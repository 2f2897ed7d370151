/** All checks, in the order of the report. */
import { apiSideChecks } from './apiside/checks.ts';
import { customMetricsCheck } from './custommetrics/custommetricscheck.ts';
import { nodeChecks } from './nodes/checks.ts';
import type { Check } from './check.ts';

export const allChecks: readonly Check[] = [...apiSideChecks, ...nodeChecks, customMetricsCheck];
