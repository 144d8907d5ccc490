import { SettingView, type SettingTraits } from "./setting/view";
import type { ViewHost } from "./shared/model";

export default {
  render({ model, el }: ViewHost<SettingTraits>): () => void {
    const view = new SettingView(model, el);
    return () => view.dispose();
  },
};
