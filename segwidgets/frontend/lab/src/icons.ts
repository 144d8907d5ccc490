import { LabIcon } from "@jupyterlab/ui-components";

/** Drawn by hand on 16 by 16; `jp-icon3` makes them follow the theme. */
const drawn = (name: string, inside: string): LabIcon =>
  new LabIcon({
    name: `segwidgets:${name}`,
    svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16">${inside}</svg>`,
  });

/** Three groups of points. */
export const segmentsIcon = drawn(
  "segments",
  '<g class="jp-icon3" fill="#616161"><circle cx="4.6" cy="5" r="2.1"/><circle cx="8.2" cy="3" r="1"/><circle cx="2.4" cy="8.3" r=".9"/>' +
    '<circle cx="11.6" cy="8.2" r="2.6"/><circle cx="14" cy="4.9" r=".8"/><circle cx="6.2" cy="12" r="1.8"/><circle cx="9.4" cy="13.4" r=".8"/><circle cx="3.3" cy="12.9" r=".7"/></g>',
);

/** A card with three lines and their values. */
export const recipeIcon = drawn(
  "recipe",
  '<path class="jp-icon3 jp-icon-selectable" fill="#616161" fill-rule="evenodd" d="M3.5 1.5h9a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1v-11a1 1 0 0 1 1-1Zm.4 1.4v10.2h8.2V2.9H3.9Zm1.3 1.8h3.2v1.2H5.2V4.7Zm4.4 0h1.3v1.2H9.6V4.7ZM5.2 7.4h3.2v1.2H5.2V7.4Zm4.4 0h1.3v1.2H9.6V7.4Zm-4.4 2.7h3.2v1.2H5.2v-1.2Zm4.4 0h1.3v1.2H9.6v-1.2Z"/>',
);
