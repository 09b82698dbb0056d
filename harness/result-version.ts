/**
 * Of the files a study writes and of what a trial answers; raised when a reader of the old version would misread the
 * new one. Apart from result.ts: a trial's start would pay for its schemas.
 */
export const RESULT_VERSION = 2;
