/* The smallest guest that still shows everything a test asks for, in one boot sector.
 *
 * Disk:     sector 0 this code, sector 1 its record (written by the guest at every tick),
 *           sector 2 a text that the OS definition's create script put there.
 * Console:  COM1. "GUEST-UP <text of sector 2>" once, then a line "BOOT bbbbbbbb TICK tttttttt"
 *           (decimal) about nine times a second; the same line is the record in sector 1, so
 *           that boots are counted across restarts.
 * Power:    the ACPI button (PM block at 0x600, where SeaBIOS puts it on pc and q35) prints
 *           POWER-OFF and turns the machine off.
 *
 * Build:    as --32 bootsector.S -o bootsector.o
 *           ld -m elf_i386 -Ttext 0x7c00 --oformat binary bootsector.o -o bootsector.bin
 */
        .code16
        .globl  _start
        .set    sector, 0x8000          # where sectors are read to and written from
        .set    clock, 0x46c            # the BIOS counts 18.2 ticks a second here

_start: ljmp    $0, $begin
begin:  xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        cli
        movw    %ax, %ss
        movw    $0x7c00, %sp
        sti
        cld
        movb    %dl, drive
        movw    $0x602, %dx             # let the power button set its status bit
        movw    $0x100, %ax
        outw    %ax, %dx

        movw    $2, %cx                 # the record of earlier boots, if there is one
        movb    $2, %ah
        call    disk
        cmpl    $0x544f4f42, sector     # "BOOT"
        jne     first
        movw    $sector + 5, %si
        movw    $boots, %di
        movw    $8, %cx
        rep     movsb
first:  movw    $boots + 7, %di
        call    count
        movw    $hello, %si
        call    print
        movw    $3, %cx                 # the text
        movb    $2, %ah
        call    disk
        movw    $sector, %si
        call    print
        movw    $crlf, %si
        call    print
        movw    $sector, %di
        movw    $256, %cx
        xorw    %ax, %ax
        rep     stosw

again:  movw    $ticks + 7, %di
        call    count
        movw    $record, %si
        movw    $sector, %di
        movw    $crlf + 2 - record, %cx
        rep     movsb
        movw    $2, %cx
        movb    $3, %ah
        call    disk
        movw    $record, %si
        call    print
        movw    clock, %bx
pause:  hlt
        movw    $0x600, %dx
        inw     %dx, %ax
        testb   $1, %ah
        jnz     off
        movw    clock, %ax
        subw    %bx, %ax
        cmpw    $2, %ax
        jb      pause
        jmp     again

off:    movw    $bye, %si
        call    print
        movw    $0x604, %dx
        movw    $0x2000, %ax
        outw    %ax, %dx
dead:   hlt
        jmp     dead

/* Sector %cl of track 0 to or from `sector`; %ah 2 reads, 3 writes. */
disk:   movb    $1, %al
        movb    $0, %ch
        movb    drive, %dl
        movb    $0, %dh
        movw    $sector, %bx
        int     $0x13
        jnc     done
        movw    $error, %si
        jmp     print

/* One more in the decimal text whose last digit is at %di. */
count:  incb    (%di)
        cmpb    $'9' + 1, (%di)
        jne     done
        movb    $'0', (%di)
        decw    %di
        jmp     count

/* The text at %si to COM1. */
print:  lodsb
        testb   %al, %al
        jz      done
        movb    %al, %ah
ready:  movw    $0x3fd, %dx
        inb     %dx, %al
        testb   $0x20, %al
        jz      ready
        movb    %ah, %al
        movw    $0x3f8, %dx
        outb    %al, %dx
        jmp     print
done:   ret

hello:  .asciz  "\r\nGUEST-UP "
bye:    .asciz  "POWER-OFF\r\n"
error:  .asciz  "DISK-ERROR\r\n"
record: .ascii  "BOOT "
boots:  .ascii  "00000000 TICK "
ticks:  .ascii  "00000000"
crlf:   .asciz  "\r\n"
drive:  .byte   0
        .org    510
        .word   0xaa55
