# What the scripts of this provider have in common. Volumes are files in the directory that the
# parameter `directory` names, which every node mounts; nodes see them as loop devices.

refuse() {
    echo "shared-files: $*" >&2
    exit 1
}

[ -n "$VOL_NAME" ] || refuse "VOL_NAME is not set"
case $VOL_NAME in
    */* | .*) refuse "'$VOL_NAME' is no name of a volume" ;;
esac
directory=${EXTP_DIRECTORY:-/srv/extstorage-volumes}
volume=$directory/$VOL_NAME
# What this node has attached: one file a volume that holds the name of its loop device.
attached=$PWD/attached
note=$attached/$VOL_NAME

# The loop device of the volume on this node, if it still has it.
device() {
    [ -e "$note" ] || return 0
    read -r found <"$note"
    case $(losetup --noheadings --output BACK-FILE "$found" 2>/dev/null) in
        "$volume") echo "$found" ;;
    esac
}
