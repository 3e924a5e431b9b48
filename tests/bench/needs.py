"""What a measurement needs: programs, elements, media. Whatever is missing is said with what would help."""
import pathlib
import shutil
import subprocess

import estimator
import janus
import sides
from process import die_with_parent

NEEDS_NO_MEDIA = {"elements", estimator.NAME}  # elements are measured with pictures that are made up then

# The program that a side needs, and where it is not among the build's targets the packages that bring it there.
CODEC_PACKAGES = "libopus-dev libvpx-dev libopenh264-dev libavcodec-dev"
PROGRAMS = {
    ("audio", "floor"): ("sound-floor", None),
    ("video", "floor"): ("video-floor", CODEC_PACKAGES),
    ("programme", "bare encodes"): ("video-floor", CODEC_PACKAGES),
    ("viewers", "bare loop"): ("bare-send", None),
    ("call", "bare loop"): ("bare-send", None),
    ("audio", "janus"): ("rtp-crowd", None),
    ("video", "stock, one encoder"): ("rtp-crowd", None),
    ("video", "stock, an encoder each"): ("rtp-crowd", None),
}
# The elements of a room of stock ones, by codec: those of all rooms are in plugins that the server needs itself.
ELEMENTS = {
    "vp8": (("vp8enc", "vp8dec", "rtpvp8depay", "compositor"), "gstreamer1.0-plugins-base gstreamer1.0-plugins-good"),
    "h264": (("openh264enc", "avdec_h264", "rtph264depay", "compositor"),
             "gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-libav"),
}


def not_built(context, name, packages=None):
    """Why a program is not there, with what would help; None when it is."""
    if sides.has_program(context, name):
        return None
    build = f"ninja -C {context.build} bench-programs"
    return f"{name} was not built: " + (f"apt-get install {packages}, meson setup --reconfigure {context.build}, {build}"
                                        if packages else build)


def missing(context, side, case):
    """Why a side cannot be run here, with what would help; None when it can."""
    if side in ("mixroom", "mixed") and not context.load.is_file():
        return f"mixroom-load was not built: ninja -C {context.build} bench-programs"
    if side == "janus" and not janus.is_installed():
        return "Janus is not installed, with its AudioBridge and its HTTP transport: apt-get install janus"
    if case.bench == "programme" and shutil.which("ffmpeg") is None:
        return "what receives RTMP and SRT is not installed: apt-get install ffmpeg"
    if (case.bench, side) in PROGRAMS and (why := not_built(context, *PROGRAMS[case.bench, side])):
        return why
    if not side.startswith("stock"):
        return None
    if why := not_built(context, "stock-room"):
        return why
    names, packages = ELEMENTS[case.codec]
    return None if sides.has_elements(*names) else f"elements are missing: apt-get install {packages}"


# ---- Media ----------------------------------------------------------------------------------------------------------


def lacks_for_media(source, env):
    """Names of the packages without which make-media.sh could not make what is sent."""
    folder = pathlib.Path(env.get("MIXROOM_MEDIA") or source / ".." / "shared" / "media")
    needed = ["ffmpeg"] + ([] if (folder / "speech" / "lj.wav").is_file() else ["espeak-ng"])
    return [name for name in needed if shutil.which(name) is None]


def make_media(context, media):
    """What is sent, once. Returns why it is not there, with what would help; None when it is."""
    if (media / "done").exists():
        return None
    if lacks := lacks_for_media(context.source, context.env):
        return f"the media that is sent cannot be made without {' and '.join(lacks)}: apt-get install {' '.join(lacks)}"
    print("Making the media that is sent (once, half a minute) ...", flush=True)
    script = context.source / "tests" / "bench" / "make-media.sh"
    try:
        subprocess.run(["sh", str(script), str(media)], check=True, preexec_fn=die_with_parent)
    except (subprocess.SubprocessError, OSError) as error:
        return f"the media that is sent could not be made: {error}"
    return None


def keep_measurable(context, media, names):
    """Of these benches those that can be run with the media there is; says of the others why not."""
    why = make_media(context, media) if set(names) - NEEDS_NO_MEDIA else None
    if why is None:
        return names
    print(f"{', '.join(name for name in names if name not in NEEDS_NO_MEDIA)} left out: {why}", flush=True)
    return [name for name in names if name in NEEDS_NO_MEDIA]
