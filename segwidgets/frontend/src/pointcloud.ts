import { CloudStore } from "./cloud/store";
import type { CloudTraits } from "./cloud/traits";
import { CloudView } from "./cloud/view";
import type { Host, ViewHost } from "./shared/model";

/** anywidget calls this once per widget; its views share one store. */
export default () => {
  let store: CloudStore | null = null;
  return {
    initialize({ model }: Host<CloudTraits>): () => void {
      const own = new CloudStore(model);
      store = own;
      return () => own.dispose();
    },
    render({ model, el }: ViewHost<CloudTraits>): () => void {
      store ??= new CloudStore(model);
      const view = new CloudView(model, store, el);
      return () => view.dispose();
    },
  };
};
