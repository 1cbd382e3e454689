// Camera: its live picture, and frames of it as files.

const LONGEST_SIDE = 480; // pixels of a frame: several a second are sent

export class Camera {
  // onEnd(message): what to do when it has ended by itself, because someone unplugged or forbade
  // it.
  constructor(video, onEnd) {
    Object.assign(this, { video, onEnd });
    this.stream = null;
  }

  // Why there can be no camera here; empty if there can be one.
  static get absence() {
    if (navigator.mediaDevices?.getUserMedia) return "";
    return window.isSecureContext
      ? "This browser gives pages no camera."
      : "Browsers give a page the camera only over https or on the server's own machine" +
          " (localhost), not at this address.";
  }

  get on() {
    return this.stream !== null;
  }

  // Throws an error with what is wrong as its message.
  async start() {
    const video = { facingMode: "environment", width: { ideal: 1280 } };
    const stream = await navigator.mediaDevices
      .getUserMedia({ video, audio: false })
      .catch((error) => {
        throw new Error(
          REASONS[error.name] ?? `The camera cannot be used: ${error.message || error.name}`,
        );
      });
    this.stream = stream;
    for (const track of stream.getTracks()) {
      track.addEventListener("ended", () => {
        if (this.stream !== stream) return;
        this.stop();
        this.onEnd("The camera has ended.");
      });
    }
    this.video.srcObject = stream;
    this.video.hidden = false;
    await this.video.play();
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
    this.video.hidden = true;
  }

  // A JPEG of what it sees now.
  frame() {
    const { videoWidth: width, videoHeight: height } = this.video;
    const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(this.video, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  }
}

const REASONS = {
  NotAllowedError:
    "The camera was not allowed. Allow it in the browser's settings for this page, or choose a" +
      " picture.",
  NotFoundError: "There is no camera here. Choose a picture instead.",
  NotReadableError: "The camera is in use by another program. Close that, or choose a picture.",
  AbortError: "The camera did not start. Try again, or choose a picture.",
};
