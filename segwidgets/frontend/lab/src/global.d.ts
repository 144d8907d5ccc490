/** The version of the Python package, put in by build.mjs. */
declare const SEGWIDGETS_VERSION: string;
